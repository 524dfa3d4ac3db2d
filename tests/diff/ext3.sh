#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Indirect maps with a journal, inodes of 128 bytes.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext3 -b 4096 -I 128 -N 65536)
SEEDS=(31)
diff_images
