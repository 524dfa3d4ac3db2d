#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hash trees of three levels are allowed.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -b 1024 -O large_dir -N 65536)
SEEDS=(171)
diff_images
