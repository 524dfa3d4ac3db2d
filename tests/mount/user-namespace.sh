#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by root of a user namespace, who is nobody outside.
. "${0%/*}/../lib/test.sh"

need_tool unshare
[ -w /dev/fuse ] || skip "needs /dev/fuse"
small_image image
chmod 444 image
user_dir mnt
as_user unshare -Urm true || skip "needs user namespaces"
cat >inside <<-'END'
	set -eu
	./ext4d image mnt -o ro "$@"
	test "$(cat mnt/hello)" = hello
	cmp mnt/big small-src/big
	stat -c '%u:%g' mnt/hello
	grep -c "$PWD/mnt fuse.ext4d" /proc/self/mounts >/dev/null
	./ext4d --unmount mnt
	test ! -e mnt/hello
END
cat >inside-rw <<-'END'
	set -eu
	./ext4d theirs mnt "$@" 2>scratch/says
	test ! -s scratch/says
	grep -c "$PWD/mnt fuse.ext4d rw," /proc/self/mounts >/dev/null
	echo mine >mnt/new
	chmod 600 mnt/new
	echo more >>mnt/dir/deeper
	mkdir mnt/made
	stat -c '%u:%g' mnt/new
	if ./ext4d theirs mnt2 2>scratch/says; then exit 1; fi
	grep -c 'locked by process' scratch/says >/dev/null
	./ext4d --unmount mnt
END
cat >inside-ro <<-'END'
	set -eu
	./ext4d "$1" mnt 2>scratch/says
	test "$(wc -l <scratch/says)" = 1
	grep -c "$2" scratch/says >/dev/null
	grep -c "$PWD/mnt fuse.ext4d ro," /proc/self/mounts >/dev/null
	if touch mnt/new 2>/dev/null; then exit 1; fi
	./ext4d --unmount mnt
	if ./ext4d "$1" mnt -o rw 2>scratch/says; then exit 1; fi
	grep -c "$3" scratch/says >/dev/null
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

# For writing. On disk the owner is the number inside.
user_dir mnt2
mkdir -m 777 scratch
small_image theirs 8M -t ext4
[ "$(id -u)" != 0 ] || chown nobody theirs
for options in fakeroot rw,fakeroot; do
	equal "owner of a new file" 0:0 "$(as_user unshare -Urm sh inside-rw -o "$options")"
	judge theirs
	equal "what was written" mine "$(debugfs -R 'cat new' theirs 2>/dev/null)"
	debugfs -w -f - theirs >/dev/null 2>&1 <<-'END'
		rm new
		rmdir made
	END
done
if [ "$(id -u)" = 0 ]; then
	rm scratch/says
	chown root theirs
	equal "owner of a new file of a namespace of root" 0:0 "$(unshare -Urm sh inside-rw)"
	judge theirs
	rm scratch/says
	chown nobody theirs
fi
as_user unshare -Urm sh inside-ro image 'image: is write-protected, mounted read-only' \
	'write-protected, but -o rw' || fail "a write-protected image"
debugfs -w -R 'feature shared_blocks' theirs >/dev/null 2>&1
as_user unshare -Urm sh inside-ro theirs 'mounted read-only.*the feature shared_blocks' \
	'the feature shared_blocks' || fail "an image that can only be read"
! is_mounted mnt || fail "the mount is seen outside"
