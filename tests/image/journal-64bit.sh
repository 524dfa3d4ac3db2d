#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal with 64-bit block numbers and checksums of version 3.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096)
FILL=(tree bigdir churn)
CHANGE()
{
	usual_changes "$1"
}

dirty_image
compare_dirty
