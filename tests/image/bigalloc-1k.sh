#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clusters of 8 small blocks.
. "${0%/*}/../lib/image.sh"

SIZE=96M
MKE2FS=(-t ext4 -b 1024 -O bigalloc -C 8192)
FILL=(tree fragments=3000 unwritten sizes symlinks xattrs=900)
compare_image
