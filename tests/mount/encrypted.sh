#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# A mount is given keys while it runs: what the client has of the names, targets and listings that were shown
# without them is not shown any more, all reads as the kernel shows it, and the kernel reads what is written. And
# directories are put under policies.
. "${0%/*}/../lib/encrypted.sh"
. "$TOP/tests/lib/keys.sh"

# Some of them: all are in the image tests, and here each name is asked for again and again.
policies()
{
	echo "v2"
	echo "pad8-v1 -1 -f 1"
	echo "lblk32 -f 0x13 -u 10"
}

add_keys()
{
	equal "the identifier" "$identifier" "$(test_key | "$ctl" key add mnt)"
	equal "the descriptor" "$descriptor" "$(test_key | "$ctl" key add -d "$descriptor" mnt)"
}

# ctl_fails STATUS PATTERN ARGUMENT...
ctl_fails()
{
	local status=$1 pattern=$2 got=0

	shift 2
	"$ctl" "$@" >out 2>&1 || got=$?
	equal "the status of ext4ctl $*" "$status" "$got"
	grep -Eq -- "^ext4ctl: $pattern" out || fail "ext4ctl $*: $(cat out)"
	equal "the lines of ext4ctl $*" 1 "$(wc -l <out)"
}

# Everything that can be seen of directories, twice: with what the client keeps.
look()
{
	local out=$1

	shift
	(cd mnt && ls -lR "$@") >"$out.first" 2>/dev/null || true
	(cd mnt && ls -lR "$@") >"$out" 2>/dev/null || true
	same_text "$out.first" "$out" "a second look shows something else"
}

# The length of a symlink is what readlink(2) gives.
check_lengths()
{
	find "$@" -type l -printf '%s %l\n' | awk '
		{ target = substr($0, length($1) + 2); nr++ }
		length(target) != $1 { print; bad = 1 }
		END { exit bad || !nr }' >out || fail "lengths of symlinks: $(head -3 out)"
}

# keys [OPTION]: the kernel's directories, listed without the keys, then with them.
keys()
{
	local name link holder ino before target after

	emount image mnt "$@"
	look locked.list "${encrypted[@]}"
	same_text kernel.locked locked.list "without keys (< kernel, > ext4d)"
	for name in "${encrypted[@]}"; do
		[ ! -e "mnt/$name/names/7" ] || fail "a name without its key"
		! ls "mnt/$name/data" | grep -qx s4096 || fail "names without keys"
		check_lengths "mnt/$name/"
	done
	! cat mnt/v2/*/* >/dev/null 2>&1 || fail "contents without keys"
	"$ctl" policy get mnt/v2 | has "^key $identifier\$" || fail "the policy of v2"
	"$ctl" policy get mnt/pad8-v1 | has "^key $descriptor\$" || fail "the policy of pad8-v1"
	link=$(find mnt/v2 -type l -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2)
	coproc "$(tool mount/probe)" held "$link"
	holder=$COPROC_PID
	read -r ino before target <&"${COPROC[0]}"
	equal "the length of a held symlink" "${#target}" "$before"
	add_keys
	add_keys
	eval "exec ${COPROC[1]}>&-"
	read -r after <&"${COPROC[0]}"
	wait "$holder"
	equal "a held symlink with its key" "$(find mnt/v2 -inum "$ino" -printf '%i %s %l')" "$after"
	[ "$after" != "$ino $before $target" ] || fail "a held symlink is as before"
	for name in "${encrypted[@]}"; do
		[ -e "mnt/$name/names/7" ] || fail "$name: a name is missing that was before"
		check_lengths "mnt/$name/"
	done
	dump ext4d.tree mnt
	same_text kernel.tree ext4d.tree "with keys (< kernel, > ext4d)"
	look open.list "${encrypted[@]}"
	same_text kernel.open open.list "with keys (< kernel, > ext4d)"
}

# What a user does in a directory.
work()
{
	local dir=$1 nr

	cp -a src/data "$dir/copy"
	mv "$dir/names" "$dir/other names"
	mv "$dir/data/s4097" "$dir/copy/moved"
	mv -f "$dir/data/s511" "$dir/copy/s512"
	rm -r "$dir/many"
	ln "$dir/data/s1025" "$dir/a second name"
	ln -s "$(printf '%0700d' 3)" "$dir/long link"
	for nr in {1..100}; do
		echo "$nr" >"$dir/copy/file number $nr"
	done
	printf 'over a border' | dd of="$dir/data/s1050001" bs=1 seek=4090 conv=notrunc status=none
	truncate -s 12345 "$dir/data/s8193"
	cat "$dir/data/s17" >>"$dir/data/s8191"
	mkdir -p "$dir/deep/er/and/deeper"
	: >"$dir/deep/er/and/deeper/still"
	(umask 077 && : >"$dir/$(printf '%0255d' 9)")
}

# contents DIR: names, targets, lengths and sums.
contents()
{
	(cd "$1" && find . -printf '%P %y %s %l %m %n\n' | sed '/ d /s/ d [0-9]*/ d/' | sort
		find . -type f -print0 | sort -z | xargs -0 md5sum)
}

write_and_compare()
{
	local name

	emount image mnt -o rw
	look locked.list "${encrypted[@]}"
	! mkdir mnt/v2/new 2>/dev/null || fail "a directory was made without the key"
	add_keys
	for name in plain "${encrypted[@]}"; do
		work "mnt/$name"
		contents "mnt/$name" >"ext4d.$name"
		same_text ext4d.plain "ext4d.$name" "$name is not as a plain directory"
	done
	mkdir mnt/{ours,ours-v1,full,theirs}
	: >mnt/full/file
	"$ctl" policy set mnt/ours "$identifier"
	"$ctl" policy set mnt/ours "$identifier"
	"$ctl" policy set mnt/ours-v1 "$descriptor"
	ctl_fails 1 'mnt/full: Directory not empty$' policy set mnt/full "$identifier"
	ctl_fails 1 'mnt/full/file: Not a directory$' policy set mnt/full/file "$identifier"
	ctl_fails 1 'mnt/ours: under another policy' policy set mnt/ours "$descriptor"
	ctl_fails 1 'mnt: ' policy set mnt "$identifier"
	ctl_fails 1 'mnt/full: not encrypted' policy get mnt/full
	for name in ours ours-v1; do
		fill "mnt/$name"
		work "mnt/$name"
		contents "mnt/$name" >"ext4d.$name"
		same_text ext4d.plain "ext4d.$name" "$name is not as a plain directory"
	done
	eumount mnt
	judge image
	kmount image mnt
	[ ! -e mnt/ours/deep ] || fail "ours shows its names"
	unlock
	for name in "${encrypted[@]}" ours ours-v1; do
		contents "mnt/$name" >"kernel.$name"
		same_text "ext4d.$name" "kernel.$name" "$name (< ext4d, > kernel)"
		rm -r "mnt/$name/other names"
	done
	kumount mnt
	judge image
}

# What is refused, and to whom.
errors()
{
	emount image mnt -o rw,allow_other
	head -c 15 /dev/zero >short
	head -c 65 /dev/zero >long
	ctl_fails 1 'a key has at least 16 bytes' key add mnt <short
	ctl_fails 1 'a key has at most 64 bytes' key add mnt <long
	ctl_fails 1 'absent: No such file' key add absent < <(test_key)
	ctl_fails 1 '.*: not on a mount of ext4d' key add . < <(test_key)
	ctl_fails 2 'no such command' key invent mnt
	ctl_fails 2 'key add takes one mount point' key add mnt mnt
	ctl_fails 2 'a descriptor is' key add -d 12 mnt
	ctl_fails 2 'an identifier is' policy set mnt/full 12
	mkdir mnt/theirs2
	chown nobody mnt/theirs mnt/theirs2
	cp "$ctl" ext4ctl
	chmod 755 . ext4ctl
	ctl=./ext4ctl
	! runuser -u nobody -- ./ext4ctl policy set mnt/theirs "$identifier" 2>out || fail "no key"
	has 'has not been given that key' <out || fail "without the key: $(cat out)"
	! test_key | runuser -u nobody -- ./ext4ctl key add -d "$descriptor" mnt 2>out ||
		fail "a user chose a descriptor"
	has 'Permission denied' <out || fail "a user's descriptor: $(cat out)"
	test_key | runuser -u nobody -- ./ext4ctl key add mnt | has "$identifier" || fail "a user's key"
	runuser -u nobody -- ./ext4ctl policy set mnt/theirs "$identifier"
	mkdir mnt/roots
	! runuser -u nobody -- ./ext4ctl policy set mnt/roots "$identifier" 2>out || fail "root's directory"
	has 'Permission denied' <out || fail "root's directory: $(cat out)"
	eumount mnt
	emount image mnt -o ro
	ctl_fails 1 'mnt/roots: Read-only' policy set mnt/roots "$identifier"
	eumount mnt
	judge image
	rm image
	make_image image 8M -t ext4
	emount image mnt
	ctl_fails 1 'mnt: the filesystem is without' key add mnt < <(test_key)
	ctl_fails 1 'mnt: the filesystem is without' policy get mnt
	eumount mnt
}

need_loop
[ -x "$ctl" ] || fail "$ctl is not built"
make_source
for features in stable_inodes stable_inodes,inline_data; do
	rm -f image
	make_image image 128M -t ext4 -O "encrypt,$features"
	kmount image mnt
	add_policies
	identifier=$("$(tool image/mkencrypted)" mnt/v2)
	mkdir mnt/plain
	for name in plain "${encrypted[@]}"; do
		fill "mnt/$name"
	done
	kumount mnt
	kmount image mnt noatime
	look kernel.locked "${encrypted[@]}"
	unlock
	look kernel.open "${encrypted[@]}"
	dump kernel.tree mnt
	kumount mnt
	keys
	eumount mnt
	keys -o rw,noatime
	eumount mnt
	judge image
	write_and_compare
done
errors
