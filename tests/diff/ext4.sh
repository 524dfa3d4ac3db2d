#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What mke2fs makes by default.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -N 65536)
SEEDS=(1 2 3)
diff_images
