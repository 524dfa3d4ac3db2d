#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file whose data, and a directory whose entries, lie beyond block 2^32 of a 17 TiB image.
. "${0%/*}/../lib/image.sh"

SIZE=17T
MKE2FS=(-t ext4 -b 4096 -i 67108864 -O meta_bg,^resize_inode -E lazy_itable_init=1)
FILL=(sizes symlinks xattrs=3500)

# move PATH FROM TO LENGTH: the blocks of an object with one extent, nothing else.
move()
{
	dd if=image of=image bs=4096 skip="$2" seek="$3" count="$4" conv=notrunc status=none
	printf '%s\n' "extent_open $1" root "replace_node 0 $4 $3" extent_close >commands
	debugfs -w -f commands image >/dev/null 2>&1
}

block_of()
{
	debugfs -R "blocks $1" image 2>/dev/null | cut -d' ' -f1
}

SETUP()
{
	# Left to itself, the kernel's allocator fills the low half.
	kumount "$1"
	move /sizes/s65536 "$(block_of /sizes/s65536)" 4400000000 16
	move /symlinks "$(block_of /symlinks)" 4500000000 1
	# The bitmaps follow.
	e2fsck -fy image >fsck.log 2>&1 || true
	equal "block of the file" 4400000000 "$(block_of /sizes/s65536)"
	equal "block of the directory" 4500000000 "$(block_of /symlinks)"
	kmount image "$1" ro
}

compare_image
