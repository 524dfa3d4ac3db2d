#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# stable_inodes.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 4096 -O stable_inodes)
FILL=(tree sizes types symlinks)
compare_image
