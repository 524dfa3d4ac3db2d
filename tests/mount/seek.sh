#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SEEK_DATA and SEEK_HOLE from any offset agree with the kernel.
. "${0%/*}/../lib/image.sh"

need_loop
probe=$(tool mount/probe)
make_image image 64M -t ext4 -b 1024
kmount image mnt
"$(tool image/fill)" mnt sparse=1000000000000 unwritten sizes fragments=300
kumount mnt
list()
{
	local file

	for file in mnt/*/*; do
		echo "$file"
		[ ! -f "$file" ] || "$probe" seek "$file"
	done
}
kmount image mnt ro
list >kernel.seek
kumount mnt
emount image mnt
list >ext4d.seek
# Once more with every page cached: of a file, data is not what was read.
find mnt/unwritten mnt/sizes -type f -exec cat {} + >/dev/null
list >cached.seek
eumount mnt
same_text kernel.seek ext4d.seek "seek differs (< kernel, > ext4d)"
same_text ext4d.seek cached.seek "seek differs after reading (< before, > after)"
