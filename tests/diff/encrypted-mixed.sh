#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Among plain directories and some under different policies: what may go from one to the other.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O encrypt,stable_inodes -N 65536)
ENCRYPTED=("" "-1" "-f 0x0b")
SEEDS=(191)
diff_images
