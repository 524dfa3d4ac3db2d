#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext3 as it was: a journal, indirect maps, hashed directories.
. "${0%/*}/../lib/image.sh"

SIZE=96M
MKE2FS=(-t ext3 -b 4096 -I 128)
FILL=(tree bigdir churn sparse=1000000000000 indirect sizes names types symlinks links owners flags
	xattrs=3500 lxattrs acls)
compare_image
