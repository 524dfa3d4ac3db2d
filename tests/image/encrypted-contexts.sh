#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files whose encryption context is damaged, with the key at hand: the error that the kernel gives, and
# everything beside them is read.
. "${0%/*}/../lib/encrypted.sh"

need_loop
need_tool debugfs xxd

# Without checksums of inodes, which would be in the way.
make_image image 32M -t ext4 -b 4096 -O encrypt,stable_inodes,^metadata_csum
kmount image mnt
mkdir mnt/dir
id=$("$(tool image/mkencrypted)" mnt/dir)
for name in good version mode pair flags two-flags unit reserved key; do
	echo "in $name" >"mnt/dir/$name"
	eval "ino_${name//-/_}=$(stat -c %i "mnt/dir/$name")"
done
kumount mnt
set_byte image "$ino_version" 0 09
set_byte image "$ino_mode" 1 7f
set_byte image "$ino_pair" 2 06
set_byte image "$ino_flags" 3 23
set_byte image "$ino_two_flags" 3 1b
set_byte image "$ino_unit" 4 08
set_byte image "$ino_reserved" 5 01
set_byte image "$ino_key" 8 00
kmount image mnt
"$(tool image/mkencrypted)" mnt/dir >/dev/null
sorted_dump kernel.dump -d mnt
kumount mnt
sorted_dump ext4d.dump image
same_text kernel.dump ext4d.dump "the errors differ (< kernel, > ext4d)"
[ "$(grep -c '^e' kernel.dump)" = 8 ] || fail "not each file is damaged: $(cat kernel.dump)"
