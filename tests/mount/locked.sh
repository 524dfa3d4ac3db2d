#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Refused while another writer has the image.
. "${0%/*}/../lib/test.sh"

need_tool flock
small_image image
mkdir mnt

flock -x -F image sleep 60 &
holder=$!
wait_until 10 bash -c '! flock -n -s image true' || fail "no lock"
must_fail "$EXT4D" image mnt
must_say "lock.*process $holder \\(sleep\\)"
kill "$holder"
wait "$holder" || true
flock -n -x image true || fail "the lock stays"

# Readers do not mind each other, and a writer is kept out as long as one reads.
emount image mnt
emount image mnt2
must_fail flock -n -x image true
eumount mnt
must_fail flock -n -x image true
eumount mnt2
flock -n -x image true || fail "the lock outlives the mounts"

if [ "$(id -u)" = 0 ]; then
	need_loop
	kmount image k
	must_fail "$EXT4D" image mnt
	must_say "mounted.* on $WORK/k"
	kumount k
	kmount image k ro
	emount image mnt
	eumount mnt
	kumount k
	emount image mnt
	eumount mnt
fi
