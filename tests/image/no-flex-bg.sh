#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every group holds its own bitmaps and inode table.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^flex_bg)
FILL=(tree sizes names types symlinks fragments=3000 xattrs=900)
compare_image
