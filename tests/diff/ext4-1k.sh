#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Small blocks: trees and directories grow deep early.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -b 1024 -N 65536)
SEEDS=(11 12)
diff_images
