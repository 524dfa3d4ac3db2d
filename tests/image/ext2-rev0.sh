#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The oldest revision: fixed inode size, no features at all.
. "${0%/*}/../lib/image.sh"

SIZE=16M
MKE2FS=(-t ext2 -r 0 -b 1024)
FILL=(tree sizes names types symlinks links owners)
compare_image
