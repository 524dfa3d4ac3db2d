#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A block device as the image; not one write reaches it.
. "${0%/*}/../lib/test.sh"

need_loop
make_image image 32M -t ext4
kmount image k
echo durable >k/file
sync k/file
cp image dirty
kumount k
for file in image dirty; do
	loop=$(losetup -f --show "$file")
	stat=/sys/block/${loop#/dev/}/stat
	written=$(awk '{ print $5, $7 }' "$stat")
	emount "$loop" mnt
	equal "contents of $file" durable "$(cat mnt/file)"
	grep -q "^$loop $WORK/mnt fuse.ext4d" /proc/self/mounts || fail "the source is not $loop"
	eumount mnt
	equal "writes to the device" "$written" "$(awk '{ print $5, $7 }' "$stat")"
	losetup -d "$loop"
done
