#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Small files, directories and symlinks inside the inode.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O inline_data -I 256)
FILL=(tree bigdir churn sizes smalldirs names types symlinks links owners flags xattrs=3500 lxattrs acls)
compare_image
