#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Encrypted directories that ext4d has changed: the kernel reads in each what it reads in a plain one after the
# same changes, and goes on with it.
. "${0%/*}/../lib/encrypted.sh"

need_loop

# The kernel's view of directory $1 without its name.
shown()
{
	sorted_dump "$1.dump" -d "mnt/$1"
}

change()
{
	local block=$1 name

	shift
	make_image image 160M -t ext4 -b "$block" "$@"
	kmount image mnt
	add_policies
	mkdir mnt/plain
	for name in plain "${encrypted[@]}"; do
		fill "mnt/$name"
	done
	kumount mnt
	"$(tool image/cryptedit)" image plain "${encrypted[@]}" || fail "cryptedit failed"
	judge image
	kmount image mnt
	unlock
	shown plain
	for name in "${encrypted[@]}"; do
		shown "$name"
		same_text plain.dump "$name.dump" "blocks of $block, $name: (< plain, > encrypted)"
		echo more >>"mnt/$name/a large one"
		mv "mnt/$name/a directory/exchanged" "mnt/$name/once more"
		rm -r "mnt/$name/many"
	done
	kumount mnt
	judge image
}

make_source
change 4096 -O encrypt,stable_inodes
change 1024 -O encrypt,stable_inodes,inline_data

# Without the key names go by what is shown.
emount image mnt -o rw
rm -r mnt/v2 mnt/v1/*
! touch mnt/v1/new 2>err || fail "a new name without the key"
has "Required key not available" <err || fail "the error is $(cat err)"
eumount mnt
judge image
kmount image mnt
unlock
[ "$(ls -A mnt/v1)" = "" ] || fail "left in v1: $(ls -A mnt/v1)"
kumount mnt
