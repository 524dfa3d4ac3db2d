#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The journal has an area for fast commits.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O fast_commit -N 65536)
SEEDS=(181)
diff_images
