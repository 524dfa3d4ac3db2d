#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext2 with large blocks and inodes.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext2 -b 4096 -I 256)
FILL=(tree bigdir sparse=1000000000000 indirect sizes names types symlinks times owners xattrs=3500 acls)
compare_image
