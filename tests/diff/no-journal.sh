#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext4 without a journal.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -O ^has_journal -N 65536)
SEEDS=(101)
diff_images
