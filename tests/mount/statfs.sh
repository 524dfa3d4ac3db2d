#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# statfs(2) says what the kernel says, with minixdf and bsddf.
. "${0%/*}/../lib/image.sh"

need_loop
for features in "-t ext4 -b 4096" "-t ext4 -b 1024 -O ^resize_inode,meta_bg" "-t ext2 -b 1024" \
	"-t ext4 -O bigalloc -C 65536 -b 4096" "-t ext4 -b 1024 -O sparse_super2,^resize_inode" \
	"-t ext4 -m 0 -b 4096 -N 5000" "-t ext3 -b 2048 -m 20"; do
	# shellcheck disable=SC2086
	make_image image 64M $features
	kmount image mnt
	head -c 3000000 /dev/zero >mnt/file
	mkdir mnt/{1..50}
	kumount mnt
	for option in bsddf minixdf; do
		kmount image mnt ro,$option
		want=$(dump_statfs mnt)
		kumount mnt
		emount image mnt -o $option
		got=$(dump_statfs mnt)
		eumount mnt
		equal "statfs of $features with $option" "$want" "$got"
	done
done
