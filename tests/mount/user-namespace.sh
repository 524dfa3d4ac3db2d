#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by root of a user namespace, who is nobody outside.
. "${0%/*}/../lib/test.sh"

need_tool unshare
[ -w /dev/fuse ] || skip "needs /dev/fuse"
small_image image
user_dir mnt
as_user unshare -Urm true || skip "needs user namespaces"
cat >inside <<-'END'
	set -eu
	./ext4d image mnt "$@"
	test "$(cat mnt/hello)" = hello
	cmp mnt/big small-src/big
	stat -c '%u:%g' mnt/hello
	grep -c "$PWD/mnt fuse.ext4d" /proc/self/mounts >/dev/null
	./ext4d --unmount mnt
	test ! -e mnt/hello
END
# The owner is a number that the namespace does not know; with fakeroot the files are its root's.
overflow=$(cat /proc/sys/kernel/overflowuid):$(cat /proc/sys/kernel/overflowgid)
[ "$(id -u)" = 0 ] || overflow=0:0
got=$(as_user unshare -Urm sh inside)
echo "owner: $got"
equal "owner with fakeroot" 0:0 "$(as_user unshare -Urm sh inside -o fakeroot)"
if [ "$(id -u)" = 0 ]; then
	equal "owner for root of a namespace of root" 0:0 "$(unshare -Urm sh inside)"
fi
! is_mounted mnt || fail "the mount is seen outside"
