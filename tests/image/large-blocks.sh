#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Block sizes beyond a page of memory, which the kernel here does not mount.
. "${0%/*}/../lib/image.sh"

FILL=(tree bigdir=2500 churn=500 sparse=1000000000000 sizes names types symlinks links owners
	xattrs=3500 lxattrs acls)
SIZE=128M
SETUP()
{
	# mke2fs -d makes two symlinks of one with two names, and with inline data gets the size
	# of a file wrong that ends in a hole.
	rm "$1/links/other/sym" "$1/sparse/tail-hole" "$1/sparse/all-hole"
}

# with BLOCKSIZE [FEATURES]
with()
{
	MKE2FS=(-t ext4 -b "$1" -N 8000 ${2:+-O "$2"})
	rm -rf src
	build_from_source
	compare_with_source
}

with 8192 ^metadata_csum,^64bit
with 8192 inline_data
with 16384
with 32768
with 65536 ^extent,^64bit
with 65536 inline_data
with 65536
# With an index in the directories.
e2fsck -fyD image >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck -D failed"
debugfs -R "htree_dump bigdir" image 2>/dev/null | has 'Hash Version' || fail "no index"
compare_with_source
