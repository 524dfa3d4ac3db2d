#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged extent trees: in the inode and in blocks of their own.
. "${0%/*}/../lib/hurt.sh"

seq 1000 >src/plain
for i in 0 1 2 3 4 5 6 7; do
	seq 1000 | dd of=src/sparse bs=4096 count=1 seek=$((2 * i)) conv=notrunc 2>/dev/null
done

# A root of the tree is 40 bytes into the inode; header and entries are 12 bytes each.
locate()
{
	root=$(($(inode_at /plain) + 40))
	plain=$(block_of /plain)
	tree=$(($(inode_at /sparse) + 40))
	node_block=$(number_at $((tree + 16)) 4)
	node=$((node_block * BS))
	equal "depth of the sparse file" 1 "$(number_at $((tree + 6)) 2)"
	[ "$(number_at $((node + 2)) 2)" -ge 8 ] || fail "too few extents"
}

# case_of FILE PATTERN NAME CHANGE...: reading FILE gives EUCLEAN.
case_of()
{
	local other=plain

	[ "$1" = sparse ] || other=sparse
	hurt "${@:3}"
	start
	gives EUCLEAN cat "mnt/$1"
	stat "mnt/$1" >/dev/null || fail "no attributes"
	cmp "src/$other" "mnt/$other" || fail "$other differs"
	stop "inode [0-9]+: .*$2"
}

for feature in metadata_csum ^metadata_csum; do
	echo "=== $feature"
	build -O "$feature"
	locate
	case_of plain magic "magic" $((root)):2=0
	case_of plain depth "depth 6" $((root + 6)):2=6
	case_of plain eh_entries "more entries than room" $((root + 2)):2=5
	case_of plain eh_max "too much room" $((root + 4)):2=500
	case_of plain 'index without' "index without entries" $((root + 6)):2=1 $((root + 2)):2=0
	case_of plain overlap "length 0" $((root + 16)):2=0
	case_of plain outside "past the end" $((root + 20)):4=0x7fffffff
	case_of plain outside "far past the end" $((root + 18)):2=0xffff
	case_of plain outside "the superblock's block" $((root + 20)):4=0
	case_of plain outside "ends past the end" $((root + 20)):4=4094
	case_of plain overlap "past the last file block" $((root + 12)):4=0xfffffffe
	case_of sparse magic "node: magic" $node:2=0xf30b
	case_of sparse depth "node: depth" $((node + 6)):2=1
	case_of sparse eh_entries "node: entries" $((node + 2)):2=0xffff
	case_of sparse 'order|overlap' "node: order" $((node + 12)):4=5000
	case_of sparse 'overlap' "node: overlap" $((node + 16)):2=9
	case_of sparse 'outside its index' "node: outside of its index entry" $((tree + 12)):4=3
	case_of sparse 'outside the filesystem' "node: extent outside" $((node + 24 + 8)):4=4096
	case_of sparse 'outside the filesystem' "index outside" $((tree + 16)):4=4096
	case_of sparse 'outside the filesystem' "index to 0" $((tree + 16)):4=0
	case_of sparse 'magic' "index to data" $((tree + 16)):4=$plain
	case_of sparse 'depth' "a node that names itself" $((tree + 6)):2=2 \
		$((node + 2)):2=1 $((node + 6)):2=1 $((node + 16)):4=$node_block $((node + 20)):2=0
	case_of sparse 'depth' "five levels of itself" $((tree + 6)):2=5 \
		$((node + 2)):2=1 $((node + 6)):2=4 $((node + 16)):4=$node_block $((node + 20)):2=0

	hurt "a file of impossible size" $((root - 40 + 0x6c)):4=0x7fffffff
	start
	in_time dd if=mnt/plain of=/dev/null bs=64k skip=1000000 count=2
	in_time tail -c 10 mnt/plain
	stop
done

build
locate
hurt_only "node: checksum" $((node + 16)):2=3
start
gives EBADMSG cat mnt/sparse
cmp src/plain mnt/plain
stop 'inode [0-9]+: extent block [0-9]+ fails its checksum'
