#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clusters of 16 blocks.
. "${0%/*}/../lib/image.sh"

SIZE=128M
MKE2FS=(-t ext4 -b 4096 -O bigalloc -C 65536 -N 20000)
FILL=(tree bigdir churn sparse=17000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=3500 lxattrs acls)
compare_image
