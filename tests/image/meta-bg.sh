#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Group descriptors spread over the image.
. "${0%/*}/../lib/image.sh"

SIZE=128M
MKE2FS=(-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode)
FILL=(tree bigdir churn sparse=4000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=900 lxattrs acls)
compare_image
