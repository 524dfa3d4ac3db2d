#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same with inodes of 1024 bytes.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O inline_data -I 1024 -N 32768)
SEEDS=(91)
diff_images
