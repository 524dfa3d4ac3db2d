#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inline data in inodes that hold up to 900 bytes of it.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O inline_data -I 1024 -N 8000)
FILL=(tree churn sizes smalldirs names types symlinks xattrs=900 lxattrs acls)
compare_image
