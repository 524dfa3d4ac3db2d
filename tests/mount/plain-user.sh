#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by a user without any rights, through fusermount3.
. "${0%/*}/../lib/test.sh"

need_user_mounts
small_image image
user_dir mnt
user_dir own
as_user ./ext4d image mnt
equal "contents" hello "$(as_user cat mnt/hello)"
as_user find mnt -ls >/dev/null 2>&1 || true
grep -q " $WORK/mnt fuse.ext4d ro,nosuid,nodev," /proc/self/mounts || fail "mounted otherwise"
if [ "$(id -u)" = 0 ]; then
	! ls mnt >/dev/null 2>&1 || fail "another user may look into it"
	# The files are root's, and permissions are those of the image.
	mkdir -p small-src/closed
	echo secret >small-src/closed/secret
	chmod 700 small-src/closed
	make_image image2 8M -d small-src
	as_user ./ext4d image2 own
	must_fail as_user cat own/closed/secret
	grep -qi 'permission denied' out || fail "$(cat out)"
	as_user ./ext4d --unmount own
	as_user ./ext4d image2 own -o fakeroot
	equal "owner with fakeroot" "$(id -u nobody)" "$(as_user stat -c %u own/closed)"
	equal "contents with fakeroot" secret "$(as_user cat own/closed/secret)"
	as_user ./ext4d --unmount own
	# A mountpoint that is not theirs, an image they may not read.
	mkdir theirs
	must_fail as_user ./ext4d image2 theirs
	chmod 600 image2
	must_fail as_user ./ext4d image2 own
	must_say 'Permission denied'
	must_fail as_user ./ext4d image own -o uid=0,allow_other
fi
as_user ./ext4d --unmount mnt
! is_mounted mnt || fail "still mounted"
as_user ./ext4d image mnt
as_user fusermount3 -u mnt
wait_until 5 bash -c '! fuser image 2>/dev/null' || fail "the image is not released"
