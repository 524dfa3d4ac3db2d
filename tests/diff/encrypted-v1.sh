#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a directory under a policy of version 1, blocks of 1 KiB, inline data around it.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -b 1024 -O encrypt,stable_inodes,inline_data -N 65536)
ENCRYPTED=("-1 -f 0")
WHERE=e0
SEEDS=(171)
diff_images
