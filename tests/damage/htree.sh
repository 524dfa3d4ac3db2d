#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged hash trees of directories. Every name must be found all the same, block by block.
. "${0%/*}/../lib/hurt.sh"

SIZE=8M
IMAGE=(-N 4096)
# As many names as a tree of two levels of 1 KiB blocks needs: more than 123 leaves.
mkdir src/dir
for i in {1000..3999}; do
	: >"src/dir/a-rather-long-name-so-that-blocks-fill-up-$i"
done
prefix=a-rather-long-name-so-that-blocks-fill-up

# mke2fs makes no index; e2fsck does.
index()
{
	build "$@"
	e2fsck -fyD good >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck: $(cat fsck.log)"
	dir=$(inode_at /dir)
	ino=$(ino_of /dir)
	[ $(($(number_at $((dir + 0x20)) 4) & 0x1000)) != 0 ] || fail "the directory has no index"
	root=$(block_at /dir 0)
	equal "levels" 1 "$(number_at $((root + 30)) 1)"
	node_lblk=$(number_at $((root + 36)) 4)
	node=$(block_at /dir "$node_lblk")
	mapfile -t in_leaf < <(names_in /dir "$(number_at $((node + 12)) 4)")
}

# Some of the names are looked up, and those of the first leaf.
all_found()
{
	local name

	for name in "${in_leaf[@]}" $prefix-{1000..3999..53}; do
		[ -e "mnt/dir/$name" ] || fail "$name is not found"
	done
}

# found PATTERN NAME CHANGE...: the names are found, and listed without an error.
found()
{
	hurt "${@:2}"
	start
	all_found
	equal "names" 3000 "$(ls -f mnt/dir | grep -c "^$prefix")"
	gives ENOENT stat mnt/dir/nobody
	stop "inode $ino: directory index: .*($1)"
}

# Without a checksum nothing keeps the index's own fields from being looked at.
index -O ^metadata_csum
hurt "rec_len of '.'" $((root + 4)):2=16
start
all_found
gives EUCLEAN stat mnt/dir/nobody
gives EUCLEAN ls -f mnt/dir
equal "names" 3000 "$(grep -c "^$prefix" text)"
stop "inode $ino: directory index: index root without '.'"
found 'flags' "reserved word" $((root + 24)):4=1
found 'flags' "flags" $((root + 31)):1=1
found 'hash version' "hash version 3" $((root + 28)):1=3
found 'hash version' "hash version 255" $((root + 28)):1=255
found 'info length' "info length" $((root + 29)):1=9
found 'depth' "depth 2" $((root + 30)):1=2
found 'depth' "depth 255" $((root + 30)):1=255
found 'limit' "root: limit 0" $((root + 32)):2=0
found 'limit' "root: limit" $((root + 32)):2=0xffff
found 'count' "root: count 0" $((root + 34)):2=0
found 'count' "root: count" $((root + 34)):2=0xffff
found 'limit' "node: limit" $((node + 8)):2=0
found 'count' "node: count 0" $((node + 10)):2=0
found 'count' "node: count" $((node + 10)):2=0xffff
found 'wrong kind' "root names itself" $((root + 36)):4=0
found 'wrong kind' "node names the root" $((node + 12)):4=0
found 'wrong kind' "node names itself" $((node + 12)):4=$node_lblk
found 'missing' "node past the end" $((root + 36)):4=0x0ffffff0
found 'missing' "leaf past the end" $((node + 12)):4=0x0ffffff0
found 'wrong kind' "one level less" $((root + 30)):1=0

# What makes sense but leads to the wrong leaf: absent is what the index says. Not the listing.
for change in $((root + 28)):1=0 $((node + 12)):4="$(number_at $((node + 20)) 4)"; do
	hurt "to the wrong leaves: $change" "$change"
	start
	equal "names" 3000 "$(ls -f mnt/dir | grep -c "^$prefix")"
	in_time stat mnt/dir/$prefix-1000
	stop
done

# a circle: every entry's hash says that the search goes on
changes=()
for ((i = 1; i < 8; i++)); do
	changes+=($((node + 8 + 8 * i)):4=1)
done
hurt "leaves without an end" "${changes[@]}"
start
in_time stat mnt/dir/$prefix-1000
in_time stat mnt/dir/nobody
equal "names" 3000 "$(ls -f mnt/dir | grep -c "^$prefix")"
stop

index
# Any of the index's blocks: the names are found, but that none is missing cannot be said.
csum_case()
{
	hurt_only "$@"
	start
	all_found
	gives EBADMSG stat mnt/dir/nobody
	gives EBADMSG ls -f mnt/dir
	equal "names" 3000 "$(grep -c "^$prefix" text)"
	stop "inode $ino: directory block [0-9]+ fails its checksum"
}
csum_case "root: checksum" $((root + 40)):4=7
csum_case "node: checksum" $((node + 20)):4=7
csum_case "root: limit with a checksum" $((root + 32)):2=0
csum_case "node: count with a checksum" $((node + 10)):2=0xffff
