#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Small blocks: deep extent trees, a hash tree of two levels, 50,000 entries.
. "${0%/*}/../lib/image.sh"

SIZE=160M
MKE2FS=(-t ext4 -b 1024 -N 70000)
FILL=(tree=30 bigdir=50000 churn sparse=4000000000000 fragments=30000 unwritten sizes names types
	symlinks xattrs=900 acls)
compare_image
