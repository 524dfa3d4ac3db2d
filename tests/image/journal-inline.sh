#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal on an image with inline data and attribute inodes.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O inline_data,ea_inode)
FILL=(tree bigdir churn)
# Several transactions that make, change and take away.
CHANGE()
{
	"$(tool image/fill)" "$1" fragments sizes
	commit "$1"
	mv "$1/tree/bush1" "$1/moved"
	rm -r "$1/tree/bush2" "$1"/bigdir/entry-1*
	commit "$1"
	"$(tool image/fill)" "$1" symlinks xattrs=65536 smalldirs
	truncate -s 100 "$1/sizes/s65536"
	commit "$1"
}

dirty_image
compare_dirty
