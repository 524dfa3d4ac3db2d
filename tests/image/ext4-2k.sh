#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Blocks of 2 KiB.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 2048)
FILL=(tree bigdir churn sparse=8000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=1500 lxattrs acls)
compare_image
