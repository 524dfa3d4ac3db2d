#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Indirect maps of all three levels.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext3 -b 1024 -I 256 -N 65536)
SEEDS=(41)
diff_images
