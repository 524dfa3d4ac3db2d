#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What only the page cache has is data all the same: many processes write to holes and behind the end, through
# write(2) and mappings, and look at once. Preallocated, too.
# Time limit: 120
. "${0%/*}/../lib/test.sh"

need_loop
program=$(tool mount/dirty)
for arguments in "-t ext4 -b 4096" "-t ext4 -b 1024" "-t ext2 -b 1024"; do
	# shellcheck disable=SC2086
	make_image image 64M $arguments
	emount image mnt -o rw
	timeout 60 "$program" mnt 12 150 || fail "$arguments"
	# copies by holes
	for file in mnt/kept-*; do
		cp --sparse=auto "$file" mnt/copy
		cmp "$file" mnt/copy || fail "cp loses something"
	done
	eumount mnt
	judge image
done
