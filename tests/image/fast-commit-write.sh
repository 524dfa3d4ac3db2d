#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fast commits replayed to the image, by a mount for writing. Unlike after the kernel's own replay, e2fsck
# has nothing to mend.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O fast_commit)
FILL=(tree sizes)

# One block in two.
holes()
{
	local i

	for ((i = 0; i < $2; i += 2)); do
		dd if=/dev/zero of="$1" bs=4096 count=1 seek=$i conv=notrunc status=none
	done
}

CHANGE()
{
	local dir=$1 i

	mkdir "$dir/old"
	for ((i = 0; i < 60; i++)); do
		echo $i >"$dir/old/n$i"
	done
	head -c 2000000 /dev/urandom >"$dir/big"
	setfattr -n user.x -v "$(printf %0300d 1)" "$dir/big"
	holes "$dir/fragments" 300
	commit "$dir"
	mkdir "$dir/newdir"
	for ((i = 0; i < 60; i++)); do
		echo $i >"$dir/newdir/file-with-a-long-name-$i"
	done
	sync "$dir/newdir/file-with-a-long-name-1"
	holes "$dir/new-fragments" 300
	sync "$dir/new-fragments"
	for ((i = 0; i < 60; i += 3)); do
		rm "$dir/old/n$i"
	done
	sync "$dir/big"
	truncate -s 100000 "$dir/big"
	sync "$dir/big"
	fallocate -p -o 8192 -l 40960 "$dir/fragments"
	sync "$dir/fragments"
	fallocate -l 3000000 "$dir/prealloc"
	dd if=/dev/zero of="$dir/prealloc" bs=4096 count=3 seek=10 conv=notrunc status=none
	sync "$dir/prealloc"
	ln -s short "$dir/symlink"
	mkfifo "$dir/fifo"
	mv "$dir/old/n2" "$dir/newdir/moved"
	mv "$dir/old/n4" "$dir/old/n5"
	sync "$dir/prealloc"
	ln "$dir/old/n7" "$dir/newdir/link"
	chown 1000:70000 "$dir/old/n7"
	sync "$dir/old/n7"
}

# The kernel gives directories it changes the time of the replay, and does not count their links.
comparable()
{
	kmount "$1" mnt ro,noatime
	"$(tool image/treedump)" -a -n map mnt |
		sed -E '/ type=d /s/ ([mc]time|nlink|blocks)=[^ ]*//g' >"$2"
	kumount mnt
}

dirty_image
cp --sparse=always dirty replayed
kmount replayed mnt
kumount mnt
comparable replayed kernel.tree

"$EXT4D" dirty mnt -f -o rw 2>log &
wait_until 20 is_mounted mnt || fail "not mounted: $(cat log)"
eumount mnt
wait
has 'and fast commits' <log || fail "no fast commit was replayed: $(cat log)"
judge dirty
comparable dirty ext4d.tree
same_text kernel.tree ext4d.tree "replayed: the trees differ (< kernel, > ext4d)"
