#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dirty journal written with asynchronous commits.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O ^metadata_csum)
FILL=(tree bigdir churn)
JOPTIONS=journal_async_commit,data=writeback
CHANGE()
{
	usual_changes "$1"
}

dirty_image
compare_dirty
