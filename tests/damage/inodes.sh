#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Damaged inodes, and names of inodes that are no files.
. "${0%/*}/../lib/hurt.sh"

mkdir src/dir
seq 1000 >src/dir/victim
seq 2000 >src/dir/other

locate()
{
	inode=$(inode_at /dir/victim)
	record=$(record_at "$(block_at /dir)" victim)
	free=$(($(number_at $((1024 + 0x00)) 4) - 2))
}

# The other file of the directory is there, and both names are listed.
neighbours()
{
	cmp src/dir/other mnt/dir/other || fail "its neighbour differs"
	ls -f mnt/dir >text || fail "the directory cannot be listed"
	lists dir victim other
}

# inode_case ERROR PATTERN NAME CHANGE...: the victim has no attributes and no contents.
inode_case()
{
	hurt "${@:3}"
	start
	neighbours
	gives "$1" stat mnt/dir/victim
	gives "$1" cat mnt/dir/victim
	neighbours
	stop "$2"
}

build
locate
hurt_only "checksum" $((inode + 8)):4=1
start
neighbours
gives EBADMSG stat mnt/dir/victim
gives EBADMSG cat mnt/dir/victim
stop "inode $(ino_of /dir/victim): inode fails its checksum"
hurt_only "checksum of a directory" $(($(inode_at /dir) + 8)):4=1
start
gives EBADMSG ls mnt/dir
ls mnt | has '^dir$' || fail "dir is not listed"
stop "inode $(ino_of /dir): inode fails its checksum"
hurt_only "checksum of the root directory" $(($(inode_at "<2>") + 8)):4=1
refused_after 'inode 2: inode fails its checksum'
hurt "root is a file" $(($(inode_at "<2>"))):2=0x81a4
refused 'inode 2: the root is not a directory'

for feature in metadata_csum ^metadata_csum; do
	echo "=== $feature"
	build -O "$feature"
	locate
	ino=$(ino_of /dir/victim)
	inode_case EUCLEAN "inode $ino: inode has mode 644" "no type" $inode:2=0644
	inode_case EUCLEAN "inode $ino: .*mode" "unknown type" $inode:2=0xf1a4
	inode_case EUCLEAN "inode $(ino_of /dir): .*inode $ino, which is not in use" "a free inode" \
		$((inode + 0x1a)):2=0 $((inode + 0x14)):4=1
	inode_case EUCLEAN "inode $(ino_of /dir): .*not in use" "an inode never used" $record:4=$free
	for special in 1 3 7 8; do
		inode_case EUCLEAN "inode $special: (reserved|inode has|inode fails)|not in use" \
			"reserved inode $special" $record:4=$special
	done
	inode_case EUCLEAN "inode $ino: attribute value" "an attribute's value" \
		$((inode + 0x20)):4=$(($(number_at $((inode + 0x20)) 4) | 0x200000))

	hurt "root by another name" $record:4=2
	start
	neighbours
	in_time ls -lR mnt/dir
	in_time stat mnt/dir/victim
	stop
	hurt "its own directory" $record:4="$(ino_of /dir)"
	start
	neighbours
	in_time ls -lR mnt/dir
	stop

	for beyond in $((free + 3)) 0xffffffff; do
		hurt "a name of inode $beyond" $record:4=$beyond
		start
		gives EUCLEAN stat mnt/dir/victim
		in_time ls -f mnt/dir
		stop "inode $(ino_of /dir): .*inode number out of range"
	done

	for type in 0x21a4 0x61a4 0x11a4 0xc1a4 0xa1a4 0x41ed; do
		hurt "a file as type $type" $inode:2=$type
		start
		neighbours
		in_time ls -l mnt/dir
		# without opening: nobody serves the other end of a pipe
		in_time stat -L mnt/dir/victim
		in_time ls -lR mnt/dir/victim
		stop
	done
done

# The checksum's own place depends on i_extra_isize: nothing can be made right there.
inode_case EUCLEAN "inode $ino: .*i_extra_isize 160" "i_extra_isize 160" $((inode + 0x80)):2=160
inode_case EUCLEAN "inode $ino: .*i_extra_isize 65532" "i_extra_isize 65532" \
	$((inode + 0x80)):2=0xfffc
inode_case EUCLEAN "inode $ino: .*i_extra_isize 33" "i_extra_isize 33" $((inode + 0x80)):2=33
inode_case EUCLEAN "inode $ino: .*size" "negative size" $((inode + 0x6c)):4=0x80000000
