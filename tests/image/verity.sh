#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files with the verity flag are read as they are; nothing is verified yet.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 4096)
FILL=(tree sizes)
TWEAK()
{
	local file

	{
		echo "feature verity"
		for file in s1 s4096 s65537 s1000000; do
			echo "set_inode_field sizes/$file flags 0x180000"
		done
	} >commands
	debugfs -w -f commands "$1" >/dev/null 2>&1
}

build_from_source
dumpe2fs -h image 2>/dev/null | has verity || fail "no verity feature"
compare_with_source
