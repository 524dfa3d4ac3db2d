#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext4 as mke2fs makes it today, with everything in it.
. "${0%/*}/../lib/image.sh"

SIZE=160M
MKE2FS=(-t ext4 -b 4096 -N 70000)
FILL=(tree=300 bigdir=50000 churn sparse=17000000000000 fragments=2000 unwritten sizes smalldirs
	names types symlinks links=400 times owners flags xattrs=3500 lxattrs acls)
compare_image
