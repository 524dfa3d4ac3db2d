#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# From the start of the server to the release of the image.
. "${0%/*}/../lib/test.sh"

small_image image
mkdir mnt

# The command returns when the mount is usable, at once and every time.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	"$EXT4D" image mnt
	equal "contents at once" hello "$(cat mnt/hello)"
	"$EXT4D" --unmount mnt
	! server_of image >/dev/null || fail "the image is still open after --unmount"
done

# It keeps none of the caller's files: a pipe ends when the command does.
timeout 10 sh -c '"$0" image mnt | cat' "$EXT4D" || fail "the server holds on to stdout"
server=$(server_of image)
equal "the server's directory" / "$(readlink "/proc/$server/cwd")"
equal "the server's session" "$server" "$(ps -o sid= -p "$server" | tr -d ' ')"

# SIGTERM and SIGINT unmount, and what was written is written.
for option in ro rw; do
	for signal in TERM INT HUP; do
		is_mounted mnt || "$EXT4D" image mnt -o "$option"
		server=$(server_of image)
		[ "$option" = ro ] || echo "$signal" >mnt/written
		kill -"$signal" "$server"
		wait_until 10 is_gone "$server" || fail "SIG$signal does not end the server ($option)"
		! is_mounted mnt || fail "SIG$signal does not unmount ($option)"
		[ "$option" = ro ] || equal "what was written before SIG$signal" "$signal" \
			"$(debugfs -R 'cat written' image 2>/dev/null)"
		judge image
	done
done

# umount(8) ends the server promptly.
"$EXT4D" image mnt
server=$(server_of image)
if [ "$(id -u)" = 0 ]; then
	umount mnt
else
	fusermount3 -u mnt
fi
wait_until 2 is_gone "$server" || fail "the server is there 2 s after umount"

# In the foreground, ended by a signal, it exits with 0 and its log is on stderr.
"$EXT4D" image mnt -f 2>log &
job=$!
wait_until 10 is_mounted mnt || fail "not mounted in the foreground"
equal "contents in the foreground" hello "$(cat mnt/hello)"
kill -INT "$job"
status=0
wait "$job" || status=$?
equal "exit status after SIGINT" 0 "$status"
! is_mounted mnt || fail "still mounted"

"$EXT4D" image mnt -f -d 2>log &
job=$!
wait_until 10 is_mounted mnt || fail "not mounted with -d"
"$EXT4D" --unmount mnt
status=0
wait "$job" || status=$?
equal "exit status after --unmount" 0 "$status"

# A busy mount: --unmount fails and says so, everything goes on; lazily it ends when it is free.
"$EXT4D" image mnt
exec 6<mnt/hello
must_fail timeout 20 "$EXT4D" --unmount mnt
grep -qi busy out || fail "does not say busy: $(cat out)"
equal "contents after a failed unmount" hello "$(cat mnt/hello)"
server=$(server_of image)
if [ "$(id -u)" = 0 ]; then
	umount -l mnt
else
	fusermount3 -uz mnt
fi
equal "contents through an open file" hello "$(cat <&6)"
exec 6<&-
wait_until 5 is_gone "$server" || fail "the server outlives a lazy unmount"

# A killed server leaves a dead mount that --unmount takes away.
"$EXT4D" image mnt
server=$(server_of image)
kill -KILL "$server"
wait_until 5 is_gone "$server" || fail "kill -9 does not end it"
must_fail ls mnt
timeout 20 "$EXT4D" --unmount mnt || fail "cannot unmount after kill -9"
! is_mounted mnt || fail "the dead mount stays"
