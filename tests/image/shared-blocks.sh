#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two files on the same blocks, as in images for Android.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 4096)
FILL=(tree sizes)
TWEAK()
{
	printf '%s\n' "feature shared_blocks" "copy_inode sizes/s65536 sizes/s65537" \
		"copy_inode sizes/s65536 sizes/s4096" >commands
	debugfs -w -f commands "$1" >/dev/null 2>&1
}

build_from_source
cp src/sizes/s65536 src/sizes/s65537
cp src/sizes/s65536 src/sizes/s4096
find src -exec touch -h -d @1234567890 {} +
dumpe2fs -h image 2>/dev/null | has shared_blocks || fail "no shared_blocks feature"
compare_with_source
