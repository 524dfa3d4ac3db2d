#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The image as /proc/self/fd/N and /dev/fd/N.
. "${0%/*}/../lib/test.sh"

small_image image
mkdir mnt
exec 7<image
for path in /proc/self/fd/7 /dev/fd/7; do
	emount "$path" mnt
	equal "contents by $path" hello "$(cat mnt/hello)"
	eumount mnt
done
# Without a name any more.
rm image
emount /proc/self/fd/7 mnt
equal "contents of an unlinked image" hello "$(cat mnt/hello)"
eumount mnt
# And what a user may not open, but was handed.
if [ "$(id -u)" = 0 ]; then
	need_user_mounts
	small_image secret
	chmod 600 secret
	user_dir theirs
	exec 8<secret
	as_user ./ext4d /proc/self/fd/8 theirs
	equal "contents of a file handed over" hello "$(as_user cat theirs/hello)"
	as_user ./ext4d --unmount theirs
fi
