#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext4 in inodes of 128 bytes: whole seconds, no creation time.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -I 128)
FILL=(tree bigdir churn sparse=17000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=3500 lxattrs acls)
compare_image
