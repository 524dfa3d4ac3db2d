#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files with indirect maps beside files with extents, as on a filesystem that was once ext3.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^extent,^64bit,^flex_bg,^metadata_csum)
FILL=(tree indirect bigdir)
SETUP()
{
	kumount "$1"
	tune2fs -O extent image >/dev/null
	kmount image "$1"
	"$(tool image/fill)" "$1" fragments unwritten sizes
	head -c 100000 /dev/zero >>"$1/indirect/full"
}

compare_image
