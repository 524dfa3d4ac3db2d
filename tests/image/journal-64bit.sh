#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal with 64-bit block numbers and checksums of version 3.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096)
FILL=(tree bigdir churn)
# Several transactions that make, change and take away.
CHANGE()
{
	"$(tool image/fill)" "$1" fragments sizes
	commit "$1"
	mv "$1/tree/bush1" "$1/moved"
	rm -r "$1/tree/bush2" "$1"/bigdir/entry-1*
	commit "$1"
	"$(tool image/fill)" "$1" symlinks xattrs=900
	truncate -s 100 "$1/sizes/s65536"
	commit "$1"
}

dirty_image
compare_dirty
