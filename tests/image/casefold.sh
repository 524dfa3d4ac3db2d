#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Directories that ignore case, by exact names: the kernel here was built without Unicode.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O casefold -E encoding=utf8)
FILL=(tree sizes)

build_from_source
mkdir in
for i in {1..700}; do
	echo "$i" >"in/Entry-Ä-$i"
done
{
	echo "mkdir folded"
	echo "set_inode_field folded flags 0x40080000"
	for i in {1..700}; do
		echo "write in/Entry-Ä-$i folded/Entry-Ä-$i"
	done
} >commands
debugfs -w -f commands image >/dev/null 2>&1
mkdir src/folded
cp in/* src/folded

SOURCE_FIELDS+=(-n mode -n times)
compare_with_source
# Again with an index, whose hashes are those of the folded names.
e2fsck -fyD image >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck -D failed"
debugfs -R "htree_dump folded" image 2>/dev/null | has 'Hash Version' || fail "no index"
compare_with_source
emount image mnt
[ ! -e mnt/folded/none-of-these ] || fail "finds what is not there"
eumount mnt
