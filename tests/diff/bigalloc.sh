#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clusters of 16 blocks. The kernel miscounts i_blocks now and then, which e2fsck sees.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O bigalloc -C 65536 -N 16384)
SEEDS=(61)
KERNEL_BUGS=1
diff_images
