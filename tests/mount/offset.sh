#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -o offset= with every suffix.
. "${0%/*}/../lib/test.sh"

small_image image 8M

# at BYTES OPTION...: the same image that far into a file.
at()
{
	local bytes=$1 option

	shift
	rm -f shifted
	truncate -s "$bytes" shifted
	cat image >>shifted
	for option; do
		emount shifted mnt -o "offset=$option"
		equal "contents at $option" hello "$(cat mnt/hello)"
		cmp mnt/big small-src/big
		eumount mnt
	done
}

at 512 512 1s 0x200
at 4096 4096 4k 4K 8s
at $((3 * 1048576 + 512)) 3146240 6145s
at 3145728 3m 3M 3072k
at $((1 << 30)) 1g 1G 1024M 2097152s
