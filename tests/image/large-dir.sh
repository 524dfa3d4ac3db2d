#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A hash tree of three levels.
. "${0%/*}/../lib/image.sh"

SIZE=160M
MKE2FS=(-t ext4 -b 1024 -O large_dir -N 4000)
FILL=(longdir=45000 tree)
compare_image
