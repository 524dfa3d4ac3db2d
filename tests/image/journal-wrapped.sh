#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A small log that has wrapped around, with transactions of many descriptor blocks.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -J size=4)
FILL=(tree bigdir)
CHANGE()
{
	local round

	for round in 1 2 3 4 5 6 7 8 9; do
		mkdir "$1/round$round"
		"$(tool image/fill)" "$1/round$round" bigdir=1500 tree churn
		rm -r "$1/round$((round - 2))" 2>/dev/null || true
		commit "$1"
	done
}

dirty_image
compare_dirty
