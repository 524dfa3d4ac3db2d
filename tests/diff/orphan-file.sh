#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Orphans in a file.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O orphan_file -N 65536)
SEEDS=(141)
diff_images
