#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a directory under a policy of version 2, AES-256-XTS and AES-256-CTS.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O encrypt,stable_inodes -N 65536)
ENCRYPTED=("")
WHERE=e0
SEEDS=(161)
diff_images
