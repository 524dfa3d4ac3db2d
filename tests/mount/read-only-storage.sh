#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images that cannot be written at all: mode 0444, a read-only mount, a read-only device.
. "${0%/*}/../lib/test.sh"

small_image image
chmod 444 image
emount image mnt
equal "contents" hello "$(cat mnt/hello)"
eumount mnt
need_loop

# A journal that needs recovery, too.
make_image dirty 16M -t ext4
kmount dirty k
sync k
echo durable >k/file
sync k/file
cp dirty copy
kumount k
dumpe2fs -h copy 2>/dev/null | has needs_recovery || fail "the journal is clean"

mkdir storage
cp image copy storage
mount --bind storage storage
mount -o remount,bind,ro storage
must_fail touch storage/copy
emount storage/copy mnt
equal "contents through the journal" durable "$(cat mnt/file)"
eumount mnt
emount storage/image mnt
equal "contents" hello "$(cat mnt/hello)"
eumount mnt

loop=$(losetup -f --show -r copy)
emount "$loop" mnt
equal "contents from a read-only device" durable "$(cat mnt/file)"
eumount mnt
losetup -d "$loop"

user_dir theirs
as_user ./ext4d copy theirs
equal "contents for a user who may only read" durable "$(as_user cat theirs/file)"
as_user ./ext4d --unmount theirs
