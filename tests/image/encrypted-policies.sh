#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What lies in an encrypted directory and is not encrypted as it is; symlinks with contexts that cannot be used,
# without any key: what can be done with each of them is what the kernel says.
. "${0%/*}/../lib/encrypted.sh"
. "$TOP/tests/lib/keys.sh"

need_loop
need_tool debugfs xxd

# What a command says in the end: its output or its error.
try()
{
	local what=$1 said

	shift
	if said=$("$@" 2>&1); then
		echo "$what: $said"
	else
		echo "$what fails: ${said##*: }"
	fi
}

# Everything about the names of ./mnt/dir.
look()
{
	local name

	for name in "${names[@]}"; do
		try "$name type" stat -c '%F %s' "mnt/dir/$name"
		try "$name target" readlink -v "mnt/dir/$name"
		try "$name list" ls "mnt/dir/$name/"
	done
	try "names" ls -U1 mnt/dir | sed 's/^names: //' | LC_ALL=C sort
}

# What is changed goes last: a directory away, a symlink to another place, a name for what there is.
change()
{
	local name

	mkdir mnt/dir/target
	for name in "${names[@]}"; do
		try "$name over" mv -T "mnt/dir/$name" mnt/dir/target
		try "$name out" mv "mnt/dir/$name" mnt/plain
		try "$name back" mv "mnt/plain/$name" mnt/dir
		try "$name link" ln "mnt/dir/$name" mnt/dir/target/link
		try "$name unlink" rm "mnt/dir/$name"
		try "$name rmdir" rmdir "mnt/dir/$name"
	done
}

names=(dir-good dir-flags dir-key dir-version dir-plain link-good link-flags link-key link-version file-flags
	file-plain)

# The inodes' numbers, by name.
build()
{
	local name

	make_image image 32M -t ext4 -b 4096 -O encrypt,stable_inodes,^metadata_csum
	kmount image mnt
	mkdir mnt/dir mnt/plain
	id=$("$(tool image/mkencrypted)" mnt/dir)
	declare -gA ino=()
	for name in "${names[@]}"; do
		case $name in
		dir-*)
			mkdir "mnt/dir/$name"
			: >"mnt/dir/$name/in"
			;;
		link-*)
			ln -s "target of $name" "mnt/dir/$name"
			;;
		file-*)
			echo "$name" >"mnt/dir/$name"
			;;
		esac
		ino[$name]=$(stat -c %i "mnt/dir/$name")
	done
	kumount mnt
	for name in dir link file; do
		set_byte image "${ino[$name-flags]}" 3 02
	done
	for name in dir link; do
		set_byte image "${ino[$name-key]}" 8 00
		set_byte image "${ino[$name-version]}" 0 09
	done
	debugfs -w -R "set_inode_field <${ino[dir-plain]}> flags 0x80000" image 2>/dev/null
	debugfs -w -R "set_inode_field <${ino[file-plain]}> flags 0x80000" image 2>/dev/null
}

build
cp --sparse=always image other
kmount image mnt
kernel_keys mnt
look >kernel.look
change >kernel.change
kumount mnt
for options in ro rw; do
	emount other mnt -o "$options"
	server_keys mnt
	look >ext4d.look
	same_text kernel.look ext4d.look "$options: what is seen differs (< kernel, > ext4d)"
	# as a listing with attributes would put them into the client's cache
	ls -l mnt/dir >/dev/null 2>&1 || true
	look >ext4d.look
	same_text kernel.look ext4d.look "$options: after a listing (< kernel, > ext4d)"
	[ "$options" = ro ] || change >ext4d.change
	eumount mnt
done
same_text kernel.change ext4d.change "what can be changed differs (< kernel, > ext4d)"
[ "$(grep -c 'type fails: Operation not permitted' kernel.look)" = 7 ] || fail "$(cat kernel.look)"

# Symlinks in directories that have the same context, which is damaged in the same way; nobody has the key.
bad=(good version mode flags)

build_locked()
{
	local name

	make_image image 32M -t ext4 -b 4096 -O encrypt,stable_inodes,^metadata_csum
	kmount image mnt
	for name in "${bad[@]}"; do
		mkdir "mnt/$name"
		id=$("$(tool image/mkencrypted)" "mnt/$name")
		ln -s "a target" "mnt/$name/link"
		ino[$name]=$(stat -c %i "mnt/$name")
		ino[$name-link]=$(stat -c %i "mnt/$name/link")
	done
	kumount mnt
	for name in "" -link; do
		set_byte image "${ino[version$name]}" 0 09
		set_byte image "${ino[mode$name]}" 1 7f
		set_byte image "${ino[flags$name]}" 3 23
	done
}

look_locked()
{
	local name

	for name in "${bad[@]}"; do
		try "$name list" ls -U1 "mnt/$name"
		try "$name size" stat -c %s "mnt/$name"/*
		try "$name target" readlink -v "mnt/$name"/*
	done
}

build_locked
kmount image mnt ro
look_locked >kernel.look
kumount mnt
for options in ro rw; do
	emount image mnt -o "$options"
	look_locked >ext4d.look
	eumount mnt
	same_text kernel.look ext4d.look "$options, without the key (< kernel, > ext4d)"
done
[ "$(grep -c 'target fails: Invalid argument' kernel.look)" = 3 ] || fail "$(cat kernel.look)"
