#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checksums seeded by a stored number, the UUID changed since.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O metadata_csum,metadata_csum_seed)
FILL=(tree bigdir churn sparse=17000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=3500 lxattrs acls)
TWEAK()
{
	tune2fs -U random "$1" >/dev/null
}

compare_image
