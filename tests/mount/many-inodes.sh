#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory stays within cache= and what is fixed, however many inodes are made and changed. By hand:
# mke2fs -N 10500000 and `tests/mount/inodes IMAGE 10000000 131072`.
. "${0%/*}/../lib/test.sh"

# Inodes and their maps, the groups, the journal's buffers for one write.
overhead=$((12 * 1024))

need_tool mke2fs e2fsck
for cache in 8192 32768; do
	make_image image 4G -t ext4 -N 120000 -E lazy_itable_init=1
	"$(tool mount/inodes)" image 100000 "$cache" | tee report || fail "inodes ends with an error"
	most=$(sed -n 's/.*VmHWM \([0-9]*\) KiB$/\1/p' report | sort -n | tail -n 1)
	[ "$most" -le $((cache + overhead)) ] ||
		fail "$most KiB with a cache of $cache"
	e2fsck -fn image >fsck 2>&1 || fail "e2fsck complains: $(cat fsck)"
done
