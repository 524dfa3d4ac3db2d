#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged inline files and directories.
. "${0%/*}/../lib/hurt.sh"

IMAGE=(-I 256)
mkdir src/small src/full
echo "inline" >src/small/file
seq -s ' ' 40 >src/longer
for i in 1 2 3; do
	: >"src/full/name$i"
done

# mke2fs -d makes directories of blocks here and there: not every version makes them inline.
is_inline()
{
	debugfs -R "stat $1" good 2>/dev/null | has 'Flags: 0x1.......$'
}

locate()
{
	is_inline /longer && is_inline /full && is_inline /small ||
		skip "this mke2fs makes no inline directories"
	dir=$(inode_at /full)
	ino=$(ino_of /full)
	file=$(inode_at /longer)
}

# dir_case PATTERN NAME CHANGE...: what comes first is listed, then the error.
dir_case()
{
	hurt "${@:2}"
	start
	gives EUCLEAN ls -f mnt/full
	in_time stat mnt/full/name3
	in_time stat mnt/full/..
	equal "the other inline directory" inline "$(cat mnt/small/file)"
	cmp src/longer mnt/longer
	stop "inode $ino: .*$1"
}

# file_case NAME CHANGE...: whatever it gives, it gives it in time.
file_case()
{
	hurt "$@"
	start
	# what it lacks may be read as a hole, and a hole may be long
	in_time head -c 100000 mnt/longer
	in_time tail -c 10 mnt/longer
	in_time getfattr -d -m - mnt/longer
	equal "the other inline file" inline "$(cat mnt/small/file)"
	ls -f mnt/full >text
	lists full name1 name3
	stop
}

for feature in metadata_csum ^metadata_csum; do
	echo "=== $feature"
	build -O "inline_data,$feature"
	locate
	raw=$((dir + 40))
	dir_case 'impossible parent directory 0' "no parent" $raw:4=0
	dir_case 'impossible parent directory' "parent out of range" $raw:4=0x7fffffff
	dir_case 'rec_len is too small' "rec_len 0" $((raw + 8)):2=0
	dir_case 'rec_len reaches past' "rec_len past the end" $((raw + 8)):2=64
	dir_case 'rec_len is not a multiple' "rec_len not aligned" $((raw + 8)):2=17
	dir_case 'rec_len is too small for name_len' "name_len" $((raw + 10)):1=200
	dir_case 'inode number out of range' "inode number" $((raw + 4)):4=0xffffffff
	dir_case 'impossible name' "a slash" $((raw + 12)):1=0x2f
	hurt "parent is itself" $raw:4="$ino"
	start
	in_time ls -fR mnt/full
	in_time ls -f mnt/full/..
	stop
	hurt "size 2^31" $((dir + 4)):4=0x7fffffff
	start
	in_time ls -f mnt/full
	stop

	# The rest of the file is the value of system.data, behind the extra fields.
	extra=$((file + 128 + $(number_at $((file + 128)) 2)))
	file_case "longer than what is stored" $((file + 4)):4=5000
	file_case "2^40 bytes long" $((file + 0x6c)):4=256
	file_case "no magic" $extra:4=0
	hurt "value out of bounds" $((extra + 4 + 2)):2=0xfff0
	start
	gives EUCLEAN cat mnt/longer
	equal "the other inline file" inline "$(cat mnt/small/file)"
	stop "inode $(ino_of /longer): attributes in the inode: value out of bounds"
	hurt "value too long" $((extra + 4 + 8)):4=0x7fffffff
	start
	gives EUCLEAN cat mnt/longer
	stop "inode $(ino_of /longer): attributes in the inode: value"
	hurt "inline and with extents" $((file + 0x20)):4=$((0x10000000 | 0x80000))
	start
	in_time cat mnt/longer
	stop
	# the other way round: a file of blocks that says it is inline
	big=$(inode_at /keep/dir)
	hurt "a directory of blocks as inline" $((big + 0x20)):4=0x10080000
	timeout --foreground $CASE_LIMIT "$EXT4D" image mnt -f -o ro >log 2>&1 </dev/null &
	server=$!
	wait_until 10 mounted_or_ended
	in_time ls -fR mnt/keep/dir
	in_time cat mnt/keep/dir/deep
	eumount mnt
	wait "$server" || fail "the server ended with $?: $(cat log)"
done
