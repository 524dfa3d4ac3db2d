#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two backup superblocks, named in the superblock.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O sparse_super2,^resize_inode)
FILL=(tree sizes types symlinks xattrs=900)
compare_image
