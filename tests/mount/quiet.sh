#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What was asked once is not asked again, and files are opened without a request.
. "${0%/*}/../lib/test.sh"

need_root
treedump=$(tool image/treedump)
small_image image
mkdir mnt
emount image mnt
server=$(server_of image)
[ -r "/proc/$server/io" ] || skip "needs /proc/PID/io, which counts a server's system calls"

# The server writes one reply for each request; a call is counted when it has returned.
requests()
{
	local last= now

	while now=$(sed -n 's/^syscw: //p' "/proc/$server/io") && [ "$now" != "$last" ]; do
		last=$now
	done
	echo "$now"
}

# Names, attributes and contents; not extended attributes, which the kernel does not keep.
walk()
{
	"$treedump" -n xattr -n flags -n map mnt >/dev/null
	[ ! -e mnt/none ] && [ ! -e mnt/dir/none ]
}

walk
first=$(requests)
[ "$first" -gt 5 ] || fail "$first requests for the first walk: this does not count them"
walk
walk
equal "requests after the first walk" "$first" "$(requests)"
eumount mnt
