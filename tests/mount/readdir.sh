#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A directory of 50,000 names in small pieces, and from every place again.
. "${0%/*}/../lib/image.sh"

need_loop
probe=$(tool mount/probe)
for features in "-b 4096" "-b 1024" "-b 1024 -O ^dir_index" "-b 4096 -O inline_data"; do
	number=50000
	[ "$features" != "-b 1024 -O ^dir_index" ] || number=3000
	# shellcheck disable=SC2086
	make_image image 160M -t ext4 -N 60000 $features
	kmount image mnt
	"$(tool image/fill)" mnt "bigdir=$number" smalldirs
	kumount mnt
	emount image mnt
	equal "entries ($features)" "$((number + 2))" "$("$probe" dirseek mnt/bigdir)"
	for dir in mnt/smalldirs/*; do
		equal "entries of $dir ($features)" "$((${dir##*with} + 2))" "$("$probe" dirseek "$dir")"
	done
	eumount mnt
done
