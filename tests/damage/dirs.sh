#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Damaged directory blocks: what can be read of the other blocks is listed, the error comes last.
. "${0%/*}/../lib/hurt.sh"

# A directory of several blocks without an index: about 20 names in each.
mkdir src/dir
for i in {100..190}; do
	echo "file $i" >"src/dir/a-name-that-is-quite-long-$i"
done
name=a-name-that-is-quite-long

locate()
{
	names_in /dir 1 >block1
	names_in /dir 0 >others
	for i in 2 3; do
		names_in /dir $i >>others
	done
	first=$(head -n 1 block1)
	third=$(sed -n 3p block1)
	block=$(block_at /dir 1)
	record=$(record_at "$block" "$third")
	dir=$(inode_at /dir)
	ino=$(ino_of /dir)
}

# The other blocks' names are listed and found, and the listing ends with the error.
others_fine()
{
	local other

	gives "$1" ls -f mnt/dir
	mapfile -t all <others
	lists dir "${all[@]}"
	for other in "${all[0]}" "${all[-1]}"; do
		cmp "src/dir/$other" "mnt/dir/$other"
	done
}

# block_case PATTERN NAME CHANGE...: block 1 is damaged at its third record.
block_case()
{
	hurt "${@:2}"
	start
	others_fine EUCLEAN
	lists dir "$first"
	cmp "src/dir/$first" "mnt/dir/$first"
	gives EUCLEAN stat "mnt/dir/$third"
	gives EUCLEAN stat "mnt/dir/nobody"
	stop "inode $ino: directory record near offset [0-9]+: $1"
}

for feature in metadata_csum ^metadata_csum; do
	echo "=== $feature"
	build -O "$feature"
	locate
	block_case 'rec_len is too small' "rec_len 0" $((record + 4)):2=0
	block_case 'rec_len is too small' "rec_len 8" $((record + 4)):2=8
	block_case 'rec_len reaches past' "rec_len past the block" $((record + 4)):2=1024
	block_case 'rec_len reaches past' "rec_len 65532" $((record + 4)):2=65532
	block_case 'rec_len is not a multiple' "rec_len not aligned" $((record + 4)):2=41
	block_case 'rec_len is too small for name_len' "name_len too long" $((record + 6)):1=255
	block_case 'inode number out of range' "inode number" $record:4=0x7fffffff

	hurt "no name" $((record + 6)):1=0
	start
	in_time ls -f mnt/dir
	cmp "src/dir/$first" "mnt/dir/$first"
	stop

	hurt "a name with a slash" $((record + 9)):1=0x2f
	start
	gives EUCLEAN ls -f mnt/dir
	mapfile -t all < <(cat others block1)
	! grep -q / text || fail "a name with a slash is listed"
	gives ENOENT stat "mnt/dir/$third"
	cmp "src/dir/$(tail -n 1 block1)" "mnt/dir/$(tail -n 1 block1)"
	stop "inode $ino: impossible name of inode"
	hurt "a name with a NUL" $((record + 10)):1=0
	start
	gives EUCLEAN ls -f mnt/dir
	gives ENOENT stat "mnt/dir/$third"
	cmp "src/dir/$(tail -n 1 block1)" "mnt/dir/$(tail -n 1 block1)"
	stop "inode $ino: impossible name of inode"
	hurt "dots in the middle" $((record + 6)):1=2 $((record + 8)):2=0x2e2e
	start
	in_time ls -fR mnt/dir
	in_time stat mnt/dir/..
	stop
	# the number at the end of the third's name becomes that of the first's: either may be found
	digits=$((8 + ${#name} + 1))
	from=$(($(record_at "$block" "$first") + digits))
	hurt "a name twice" $((record + digits)):2="$(number_at $from 2)" \
		$((record + digits + 2)):1="$(number_at $((from + 2)) 1)"
	start
	in_time ls -f mnt/dir
	equal "how often it is listed" 2 "$(grep -cx -- "$first" text)"
	cat "mnt/dir/$first" >/dev/null
	stop

	root=$((dir + 40))
	hurt "a block outside the filesystem" $((root + 20)):4=0x7fffffff
	start
	gives EUCLEAN ls -f mnt/dir
	gives EUCLEAN stat "mnt/dir/$first"
	stop "inode $ino: extent outside the filesystem"

	# the directory's second extent, or all of it, is gone
	hurt "nothing but holes" $((root + 2)):2=0
	start
	in_time ls -f mnt/dir
	gives ENOENT stat "mnt/dir/$first"
	stop
	hurt "holes as long as 4 GiB" $((dir + 4)):4=0xfffffc00
	start
	in_time ls -f mnt/dir
	in_time stat mnt/dir/nobody
	stop "inode $ino: directory of"
	hurt "larger than its blocks" $((dir + 4)):4=$((BS * 4096))
	start
	ls -f mnt/dir >text
	lists dir "$first" "$third"
	cmp "src/dir/$third" "mnt/dir/$third"
	stop
	hurt "size not a multiple of the block's" $((dir + 4)):4=$((BS * 2 + 500))
	start
	in_time ls -f mnt/dir
	lists dir "$first"
	stop
	hurt "size 0" $((dir + 4)):4=0
	start
	in_time ls -f mnt/dir
	gives ENOENT stat "mnt/dir/$first"
	stop
done

build
locate
hurt_only "wrong checksum" $((record + 7)):1=7
start
others_fine EBADMSG
gives EBADMSG stat "mnt/dir/$third"
gives EBADMSG stat mnt/dir/nobody
stop "inode $ino: directory block 1 fails its checksum"
hurt_only "no checksum record" $((block + BS - 5)):1=0
start
others_fine EBADMSG
stop "inode $ino: directory block 1 fails its checksum"
