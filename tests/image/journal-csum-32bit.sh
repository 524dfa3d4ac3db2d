#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal with checksums, but 32-bit block numbers.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^64bit)
FILL=(tree bigdir churn)
CHANGE()
{
	usual_changes "$1"
}

dirty_image
compare_dirty
