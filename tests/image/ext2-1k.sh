#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext2: indirect maps to the third level, no journal.
. "${0%/*}/../lib/image.sh"

SIZE=96M
MKE2FS=(-t ext2 -b 1024 -I 128)
FILL=(tree bigdir churn sparse=17000000000 indirect sizes names types symlinks links owners flags
	xattrs=900 lxattrs acls)
compare_image
