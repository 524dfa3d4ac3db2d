#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Requests by io_uring: chosen when offered, refused clearly, and the same filesystem as by /dev/fuse.
# Alone
# Time limit: 600
. "${0%/*}/../lib/test.sh"

need_root
parameter=/sys/module/fuse/parameters/enable_uring
[ -w "$parameter" ] || skip "this kernel has no FUSE over io_uring"
before=$(cat "$parameter")
disabled=/proc/sys/kernel/io_uring_disabled
disabled_before=$(cat "$disabled")
restore()
{
	local status=$?

	echo "$before" >"$parameter"
	echo "$disabled_before" >"$disabled"
	return "$status"
}
trap 'restore; at_end' EXIT

small_image image
mkdir mnt

# by_uring: whether the server of the mount has a ring.
by_uring()
{
	ls -l "/proc/$(server_of image)/fd" | grep -q 'anon_inode:\[io_uring\]'
}

# transport OPTION on|off: mounts, and that is how requests come.
transport()
{
	"$EXT4D" image mnt -o "ro${1:+,$1}" || fail "does not mount with '$1'"
	equal "a file with '$1'" hello "$(cat mnt/hello)"
	if [ "$2" = on ]; then
		by_uring || fail "'$1' does not use io_uring"
	else
		! by_uring || fail "'$1' uses io_uring"
	fi
	"$EXT4D" --unmount mnt
}

# refused PATTERN: io_uring=on says why not.
refused()
{
	local status=0

	"$EXT4D" image mnt -o ro,io_uring=on 2>err || status=$?
	equal "exit status of io_uring=on" 32 "$status"
	grep -q "$1" err || fail "io_uring=on says: $(cat err)"
	[ "$(wc -l <err)" = 1 ] || fail "more than a line: $(cat err)"
	! is_mounted mnt || fail "mounted after all"
}

echo N >"$parameter"
refused 'enable_uring set to Y'
transport '' off
transport io_uring=auto off

echo Y >"$parameter"
transport '' on
transport io_uring=on on
transport io_uring=off off
echo 2 >"$disabled"
refused 'cannot make an io_uring'
transport '' off
echo 0 >"$disabled"

# Six processes that write, durably, as long as there is a filesystem; all of them have begun.
start_writers()
{
	local i

	for i in 1 2 3 4 5 6; do
		(while [ -e mnt/hello ] && echo "$i" >"mnt/hello-$i" && sync "mnt/hello-$i"; do :; done) 2>/dev/null &
		wait_until 10 test -s "mnt/hello-$i" || fail "nothing is written"
	done
}

# The last requests of a server that is told to end, while others wait for their turn.
for _ in 1 2 3 4 5; do
	"$EXT4D" image mnt -o io_uring=on
	server=$(server_of image)
	start_writers
	kill -TERM "$server"
	wait_until 10 is_gone "$server" || fail "SIGTERM does not end the server"
	wait
	rm -f mnt/hello-*
	judge image
done

# A server that dies leaves nobody waiting.
"$EXT4D" image mnt -o io_uring=on
server=$(server_of image)
start_writers
kill -KILL "$server"
wait_until 10 is_gone "$server" || fail "SIGKILL does not end the server"
wait
umount mnt
e2fsck -fy image >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck: $(cat fsck.log)"
judge image

# A server that may use one CPU serves those who run on the others.
taskset -c 0 "$EXT4D" image mnt -o io_uring=on
for cpu in $(seq 0 $(($(nproc) - 1))); do
	timeout 10 taskset -c "$cpu" sh -c 'echo "$1" >"mnt/cpu-$1" && sync "mnt/cpu-$1" && cat mnt/cpu-*' - "$cpu" \
		>out || fail "no answer on CPU $cpu"
done
equal "files written on each CPU" "$(seq 0 $(($(nproc) - 1)))" "$(cat out)"
"$EXT4D" --unmount mnt
judge image

# Each of these passes as it does by /dev/fuse.
KILL_ROUNDS=4 "$TOP/tests/run" mount/contents mount/life-cycle mount/mixed mount/plain-user mount/read-write \
	mount/readdir mount/requests mount/seek-dirty mount/user-namespace mount/watched diff/ext4-1k crash/kill >run.log || fail "by io_uring: $(cat run.log)"
