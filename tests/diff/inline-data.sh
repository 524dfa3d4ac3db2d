#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Contents and directories in the inode.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O inline_data -N 65536)
SEEDS=(81)
diff_images
