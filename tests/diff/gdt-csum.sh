#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checksums of group descriptors only, groups that are not set up.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O ^metadata_csum,^64bit,uninit_bg -N 65536)
SEEDS=(121)
diff_images
