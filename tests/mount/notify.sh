#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# READY=1 on NOTIFY_SOCKET once the mount is usable, in the foreground.
. "${0%/*}/../lib/test.sh"

small_image image
mkdir mnt
probe=$(tool mount/probe)
"$probe" notify "$WORK/socket" >message &
receiver=$!
wait_until 10 test -S socket || fail "no socket"
NOTIFY_SOCKET=$WORK/socket "$EXT4D" image mnt -f &
server=$!
wait "$receiver" || fail "no message"
grep -qx 'READY=1' message || fail "the message is: $(cat message)"
is_mounted mnt || fail "ready, but not mounted"
equal "contents when ready" hello "$(cat mnt/hello)"
eumount mnt
wait "$server" || fail "the server ended with $?"
# Nobody listens, or the variable is nonsense: mounted all the same.
NOTIFY_SOCKET=$WORK/none emount image mnt
eumount mnt
NOTIFY_SOCKET=nonsense emount image mnt
eumount mnt
