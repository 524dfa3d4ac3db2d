#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Large attribute values in inodes of their own.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O ea_inode -N 65536)
SEEDS=(161)
diff_images
