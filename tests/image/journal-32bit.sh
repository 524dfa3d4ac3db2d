#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal as ext3 had it: 32-bit block numbers, no checksums.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^64bit,^metadata_csum)
FILL=(tree bigdir churn)
CHANGE()
{
	usual_changes "$1"
}

dirty_image
compare_dirty
