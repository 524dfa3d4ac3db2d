#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing is written to the image, whatever is done with the mount.
. "${0%/*}/../lib/test.sh"

small_image image
before=$(sha256sum image; stat -c '%y %z %b' image)
emount image mnt
find mnt -type f -exec cat {} + >/dev/null
stat -f mnt >/dev/null

# denied COMMAND...: fails with EROFS.
denied()
{
	must_fail "$@"
	grep -qi 'read-only file system' out || fail "$*: $(cat out)"
}

denied touch mnt/hello
denied touch mnt/new
denied sh -c 'echo >>mnt/hello'
denied mkdir mnt/new
denied rm mnt/hello
denied rmdir mnt/lost+found
denied mv mnt/hello mnt/other
denied ln mnt/hello mnt/other
denied ln -s hello mnt/other
denied mkfifo mnt/fifo
denied chmod 600 mnt/hello
denied truncate -s 0 mnt/hello
denied setfattr -n user.x -v y mnt/hello
if [ "$(id -u)" = 0 ]; then
	# The server itself must not write either, whatever the kernel asks of it.
	must_fail mount -o remount,rw mnt
	denied chown 1 mnt/hello
	denied chattr +i mnt/hello
fi
sync -f mnt/hello
eumount mnt
equal "the image" "$before" "$(sha256sum image; stat -c '%y %z %b' image)"
