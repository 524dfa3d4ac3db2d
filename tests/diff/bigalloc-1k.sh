#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clusters of 16 small blocks; see bigalloc.sh.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -b 1024 -O bigalloc -C 16384 -N 65536)
SEEDS=(71)
KERNEL_BUGS=1
diff_images
