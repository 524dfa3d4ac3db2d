#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each group with its own bitmaps and tables.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O ^flex_bg -N 65536)
SEEDS=(131)
diff_images
