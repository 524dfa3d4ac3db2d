#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Blocks of 2 KiB, inodes of 512 bytes.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -b 2048 -I 512 -N 65536)
SEEDS=(21)
diff_images
