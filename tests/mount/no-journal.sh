#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without a journal writing works, and the log says what is not promised then.
. "${0%/*}/../lib/test.sh"

need_user_mounts

start()
{
	"$EXT4D" "$1" mnt -f -o rw 2>log &
	server=$!
	wait_until 10 is_mounted mnt || fail "not mounted"
}

mkdir mnt
for set in "-t ext4 -O ^has_journal" "-t ext2"; do
	# shellcheck disable=SC2086
	small_image image 8M $set
	start image
	mkdir mnt/new
	echo written >mnt/new/file
	sync mnt/new/file
	mv mnt/hello mnt/new/hello
	rm mnt/big
	"$EXT4D" --unmount mnt
	wait "$server" || fail "the server ends with $?"
	grep -q 'no journal: after a crash the filesystem will need e2fsck' log ||
		fail "$set: the log does not warn: $(cat log)"
	judge image
	emount image mnt
	equal "contents" "written hello" "$(echo $(cat mnt/new/file mnt/new/hello))"
	[ ! -e mnt/big ] || fail "the file is still there"
	eumount mnt
done

# With one it does not say so.
small_image image 16M -t ext4 -J size=4
start image
"$EXT4D" --unmount mnt
wait "$server" || fail "the server ends with $?"
! grep -q 'no journal' log || fail "it warns although there is a journal"
