#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uninit_bg: only the group descriptors have a (16-bit) checksum.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^metadata_csum,uninit_bg)
FILL=(tree bigdir churn sparse=4000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=900 lxattrs acls)
compare_image
