#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fast commits after the last full one: every kind of change that they can hold.
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
	dd if=/dev/zero of="$dir/sizes/s131072" bs=4096 count=1 seek=1000 conv=notrunc,fsync \
		status=none
	fallocate -p -o 8192 -l 65536 "$dir/sizes/s1000000"
	sync "$dir/sizes/s1000000"
	ln -s target "$dir/symlink"
	chmod 600 "$dir/created"
	chown 1000:70000 "$dir/created"
	touch -d @4000000000 "$dir/created"
	sync "$dir/created"
	mkfifo "$dir/fifo"
	sync "$dir/newdir/file"
	rm "$dir/linked"
	echo five >"$dir/five"
	sync "$dir/five"
}

dirty_image
compare_dirty
