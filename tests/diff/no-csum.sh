#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Neither checksums nor 64-bit block numbers.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O ^metadata_csum,^64bit -N 65536)
SEEDS=(111)
diff_images
