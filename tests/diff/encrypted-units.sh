#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a directory whose files have data units of 512 bytes.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O encrypt,stable_inodes -N 65536)
ENCRYPTED=("-u 9")
WHERE=e0
SEEDS=(181)
diff_images
