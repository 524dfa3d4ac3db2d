#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No journal, no hash trees.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext2 -b 4096 -O ^dir_index -N 65536)
SEEDS=(51)
diff_images
