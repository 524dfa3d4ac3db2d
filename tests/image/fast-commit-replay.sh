#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that nothing but fast commits bring up to date. The kernel replays these only when it
# mounts for writing: read-only it refuses names that came or went.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O fast_commit)
FILL=(tree sizes)
CHANGE()
{
	local dir=$1

	commit "$dir"
	echo one >"$dir/created"
	sync "$dir/created"
	echo two >>"$dir/created"
	sync "$dir/created"
	ln "$dir/created" "$dir/linked"
	sync "$dir/linked"
	mkdir "$dir/newdir"
	echo three >"$dir/newdir/file"
	sync "$dir/newdir/file"
	rm "$dir/tree/bush1/f3"
	echo four >"$dir/four"
	sync "$dir/four"
	mv "$dir/sizes/s4096" "$dir/renamed"
	sync "$dir/renamed"
	truncate -s 1000 "$dir/sizes/s65536"
	sync "$dir/sizes/s65536"
	fallocate -p -o 8192 -l 65536 "$dir/sizes/s1000000"
	sync "$dir/sizes/s1000000"
	chmod 600 "$dir/created"
	chown 1000:70000 "$dir/created"
	sync "$dir/created"
	rm "$dir/linked"
	echo five >"$dir/five"
	sync "$dir/five"
}

# Replay by the kernel gives the directories it changes the time of the replay, and marks blocks it
# has read as data.
comparable()
{
	"$(tool image/treedump)" -a -n map mnt | sed -E '/ type=d /s/ [mc]time=[^ ]*//g' >"$1"
}

dirty_image
cp --sparse=always dirty replayed
kmount replayed mnt noatime
comparable kernel.tree
kumount mnt

"$EXT4D" dirty mnt -f -o ro 2>log &
wait_until 20 is_mounted mnt || fail "not mounted: $(cat log)"
comparable ext4d.tree
eumount mnt
wait
has 'and fast commits' <log || fail "no fast commit was replayed: $(cat log)"
same_text kernel.tree ext4d.tree "replayed: the trees differ (< kernel, > ext4d)"

# They are on top of what the full commits say.
emount dirty mnt -o norecovery
[ ! -e mnt/five ] && [ -e mnt/sizes/s4096 ] || fail "norecovery shows what the journal holds"
eumount mnt
