#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal with a checksum in commit blocks only.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^metadata_csum)
FILL=(tree bigdir churn)
JOPTIONS=journal_checksum
CHANGE()
{
	usual_changes "$1"
}

dirty_image
compare_dirty
