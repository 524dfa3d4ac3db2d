#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by a user without any rights, through fusermount3.
. "${0%/*}/../lib/test.sh"

need_user_mounts
small_image image
user_dir mnt
user_dir own
chmod 444 image
as_user ./ext4d image mnt >out 2>&1 || fail "ended with $?: $(cat out)"
must_say '^ext4d: image: is write-protected, mounted read-only$'
equal "contents" hello "$(as_user cat mnt/hello)"
as_user find mnt -ls >/dev/null 2>&1 || true
grep -q " $WORK/mnt fuse.ext4d ro,nosuid,nodev," /proc/self/mounts || fail "mounted otherwise"
must_fail as_user touch mnt/new
must_fail as_user ./ext4d image own -o rw
must_say 'image: is write-protected, but -o rw was given'
# An image of their own, the root of which is theirs.
small_image theirs 8M -t ext4 -E "root_owner=$(as_user id -u):$(as_user id -g)"
debugfs -w -R 'feature shared_blocks' theirs >/dev/null 2>&1
[ "$(id -u)" != 0 ] || chown nobody theirs
as_user ./ext4d theirs own >out 2>&1 || fail "ended with $?: $(cat out)"
must_say 'mounted read-only.*the feature shared_blocks'
as_user ./ext4d --unmount own
must_fail as_user ./ext4d theirs own -o rw
must_say 'read-only \(-o ro\).*the feature shared_blocks'
debugfs -w -R 'feature -shared_blocks' theirs >/dev/null 2>&1
for options in rw defaults; do
	as_user ./ext4d theirs own -o "$options" >out 2>&1 || fail "ended with $?: $(cat out)"
	[ ! -s out ] || fail "says something: $(cat out)"
	grep -q " $WORK/own fuse.ext4d rw,nosuid,nodev," /proc/self/mounts || fail "mounted otherwise"
	as_user sh -c 'echo mine >own/new'
	equal "owner" "$(as_user id -u)" "$(as_user stat -c %u own/new)"
	must_fail as_user sh -c 'echo >>own/hello'
	must_fail as_user ./ext4d theirs own -o ro
	must_say 'theirs: locked for writing by process'
	as_user ./ext4d --unmount own
	judge theirs
	equal "what was written" mine "$(debugfs -R 'cat new' theirs 2>/dev/null)"
	debugfs -w -R 'rm new' theirs 2>/dev/null
done
# With fakeroot all files can be written, and new ones are root's in the image.
as_user ./ext4d theirs own -o fakeroot
as_user sh -c 'echo more >>own/hello; echo new >own/dir/new'
as_user ./ext4d --unmount own
judge theirs
equal "what was written with fakeroot" "hello more new" \
	"$(echo $(debugfs -R 'cat hello' theirs 2>/dev/null; debugfs -R 'cat dir/new' theirs 2>/dev/null))"
debugfs -R 'stat dir/new' theirs 2>/dev/null | has 'User:     0 ' || fail "not root's in the image"
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
	mkdir forbidden
	must_fail as_user ./ext4d image2 forbidden
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
