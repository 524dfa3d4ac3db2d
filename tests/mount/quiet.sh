#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What was asked once is not asked again, and files are opened without a request.
. "${0%/*}/../lib/test.sh"

need_root
small_image image
mkdir mnt
emount image mnt
server=$(server_of image)
[ -r "/proc/$server/io" ] || skip "needs /proc/PID/io, which counts a server's system calls"

# The server writes one reply for each request.
requests()
{
	sed -n 's/^syscw: //p' "/proc/$server/io"
}

walk()
{
	ls -lR mnt >/dev/null
	cat mnt/hello mnt/dir/deeper mnt/big mnt/link >/dev/null
	[ ! -e mnt/none ] && [ ! -e mnt/dir/none ]
	stat mnt/hello mnt/dir/deeper >/dev/null
}

walk
first=$(requests)
[ "$first" -gt 5 ] || fail "$first requests for the first walk: this does not count them"
walk
walk
equal "requests after the first walk" "$first" "$(requests)"

# One request for a file that was not opened before: to read it, not to open or close it.
echo 2 >/proc/sys/vm/drop_caches
walk
second=$(requests)
cat mnt/hello mnt/hello mnt/hello >/dev/null
equal "requests to open and read again" "$second" "$(requests)"
eumount mnt
