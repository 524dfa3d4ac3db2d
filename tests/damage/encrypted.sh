#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Damaged names and targets of encrypted directories, with the key and without: the error there, everything else
# readable, and no other error than the kernel's. Contexts are for image/encrypted-contexts.sh and -policies.sh.
. "${0%/*}/../lib/hurt.sh"
. "$TOP/tests/lib/keys.sh"

need_loop
need_tool e2fsck
long=$(printf '%0200d' 8)

# record_of BYTE INODE: where its record begins, in the directory block at BYTE.
record_of()
{
	local off

	for ((off = 0; off < BS; off += $(number_at $(($1 + off + 4)) 2))); do
		if [ "$(number_at $(($1 + off)) 4)" = "$2" ]; then
			echo $(($1 + off))
			return
		fi
	done
	fail "no record of inode $2 at $1"
}

# A directory of one block, filled by the kernel.
build_encrypted()
{
	local i

	build -O encrypt
	kmount good kernel
	mkdir kernel/dir
	"$(tool image/mkencrypted)" kernel/dir >/dev/null
	for i in {1..6}; do
		echo "file $i" >"kernel/dir/f$i"
	done
	ln -s f1 kernel/dir/fast
	ln -s "$long" kernel/dir/slow
	ino=$(stat -c %i kernel/dir/f3)
	fast_ino=$(stat -c %i kernel/dir/fast) slow_ino=$(stat -c %i kernel/dir/slow)
	kumount kernel
	dir_ino=$(ino_of /dir)
	record=$(record_of "$(block_at /dir)" "$ino")
	fast=$(inode_at "<$fast_ino>")
	slow=$(inode_at "<$slow_ino>")
	target=$(block_at "<$slow_ino>")
}

# e2fsck_says STATUS: 4 it finds something, 0 nothing.
e2fsck_says()
{
	local status=0

	e2fsck -fn image >fsck.log 2>&1 || status=$?
	[ "$status" = "$1" ] || fail "e2fsck -fn ends with $status: $(cat fsck.log)"
}

# The kernel's mount at ./kernel, ext4d's at ./mnt; "key" as argument: both have the key.
start_both()
{
	kmount image kernel ro
	start
	[ "${1:-}" = key ] || return 0
	kernel_keys kernel
	server_keys mnt
}

stop_both()
{
	kumount kernel
	stop "$@"
}

# Of a mount's directory: the names, and then the error.
list()
{
	{
		ls -U1 -b "$1/dir" 2>errors || true
	} | sort
	sed 's/.*: /error: /' errors
}

# What the kernel lists is listed, and its error is ours. It says EIO of names that the VFS does not take.
compare_lists()
{
	local missing

	list kernel | sed 's/error: Input.output error/error: Structure needs cleaning/' >kernel.list
	list mnt >our.list
	missing=$(comm -23 <(sort kernel.list) <(sort our.list))
	[ -z "$missing" ] || fail "the kernel lists '$missing', here: $(cat our.list)"
	if ! grep -q '^error' kernel.list; then
		same="$(diff kernel.list our.list)" || fail "the listings differ (< kernel, > here): $same"
	fi
}

others_fine()
{
	local i

	for i in 1 2 4 5 6; do
		equal "f$i" "file $i" "$(cat "mnt/dir/f$i")"
		grep -qx "f$i" our.list || fail "f$i is not listed: $(cat our.list)"
	done
	equal "the short link" f1 "$(readlink mnt/dir/fast)"
	equal "the long link" "$long" "$(readlink mnt/dir/slow)"
}

# name_case NAME FSCK LISTED CHANGE...: LISTED: error, or any: it is long enough to be taken for a name, and
# the garbage that it decrypts to may be one or not.
name_case()
{
	local left_out=0

	[ "$3" = any ] || left_out=1
	hurt "$1" "${@:4}"
	e2fsck_says "$2"
	start_both key
	# before it is listed: 31 of 32 bytes decrypt to the name, which is then in the client's cache
	gives ENOENT stat mnt/dir/f3
	gives ENOENT stat kernel/dir/f3
	compare_lists
	[ "$3" = any ] || grep -qx 'error: Structure needs cleaning' our.list || fail "no error: $(cat our.list)"
	others_fine
	stop_both
	start_both
	compare_lists
	[ "$3" = any ] || grep -qx 'error: Structure needs cleaning' our.list ||
		fail "no error without the key: $(cat our.list)"
	equal "names without the key" $((8 - left_out)) "$(grep -vc '^error' our.list)"
	stop_both
}

# What a link of a mount leads to, or the error; it may be any bytes.
target_of()
{
	local said

	if readlink -v "$1/dir/$2" >bytes 2>errors; then
		od -An -tx1 <bytes | tr -d ' \n'
	else
		said=$(cat errors)
		echo "error: ${said##*: }"
	fi
}

# link_case NAME LINK FSCK GIVES CHANGE...: GIVES: EUCLEAN, or kernel: the same as it.
link_case()
{
	local theirs ours

	hurt "$1" "${@:5}"
	e2fsck_says "$3"
	start_both key
	theirs=$(target_of kernel "$2") ours=$(target_of mnt "$2")
	case $4,$theirs in
	EUCLEAN,error*)
		equal "the kernel's error" "error: ${ERROR[EUCLEAN]}" "$theirs"
		;&
	EUCLEAN,*)
		equal "the target" "error: ${ERROR[EUCLEAN]}" "$ours"
		;;
	*)
		equal "the target" "$theirs" "$ours"
		;;
	esac
	list mnt >our.list
	equal "how many names" 8 "$(grep -vc '^error' our.list)"
	equal "f1" "file 1" "$(cat mnt/dir/f1)"
	[ "$2" = fast ] || equal "the other link" f1 "$(readlink mnt/dir/fast)"
	[ "$2" = slow ] || equal "the other link" "$long" "$(readlink mnt/dir/slow)"
	stop_both
}

build_encrypted
equal "bytes of a name" 32 "$(number_at $((record + 6)) 1)"
name_case "no name" 4 error $((record + 6)):1=0
name_case "a name of 8 bytes" 4 error $((record + 6)):1=8
name_case "a name of 15 bytes" 4 error $((record + 6)):1=15
name_case "a name of 16 bytes" 0 any $((record + 6)):1=16
name_case "a name of 31 bytes" 0 any $((record + 6)):1=31
name_case "another byte in a name" 0 any \
	$((record + 20)):1=$(($(number_at $((record + 20)) 1) ^ 1))
for link in fast slow; do
	if [ "$link" = fast ]; then
		inode=$fast data=$((fast + 40)) small=0
	else
		# too small for one that has a block, says e2fsck
		inode=$slow data=$target small=4
	fi
	have=$(number_at "$data" 2)
	equal "$link: its size" $((have + 2)) "$(number_at $((inode + 4)) 4)"
	link_case "$link: no length" $link 4 EUCLEAN "$data:2=0"
	link_case "$link: 15 bytes" $link 4 EUCLEAN "$data:2=15"
	link_case "$link: 15 bytes of 17" $link $small EUCLEAN "$data:2=15" $((inode + 4)):4=17
	link_case "$link: one byte more" $link 4 EUCLEAN "$data:2=$((have + 1))"
	link_case "$link: one byte less" $link 4 kernel "$data:2=$((have - 1))"
	link_case "$link: 16 bytes" $link $small kernel "$data:2=16" $((inode + 4)):4=18
	link_case "$link: 65535 bytes" $link 4 EUCLEAN "$data:2=65535"
	link_case "$link: another byte" $link 0 kernel \
		$((data + 5)):1=$(($(number_at $((data + 5)) 1) ^ 1))
	link_case "$link: size 0" $link 4 EUCLEAN $((inode + 4)):4=0
	link_case "$link: size 1" $link 4 EUCLEAN $((inode + 4)):4=1
done
link_case "slow: block outside" slow 4 EUCLEAN $((slow + 60)):4=0x7fffffff
