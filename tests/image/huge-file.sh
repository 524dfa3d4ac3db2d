#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file of more than 2^32 sectors: its block count has more bits, or another unit.
. "${0%/*}/../lib/image.sh"

SIZE=4T
MKE2FS=(-t ext4 -b 4096 -i 67108864 -E lazy_itable_init=1)
FILL=(sizes)
SETUP()
{
	fallocate -l 2300G "$1/huge"
	echo end >>"$1/huge"
}

compare_image
