#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ext4 without a journal.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O ^has_journal)
FILL=(tree bigdir churn sparse=17000000000000 fragments unwritten sizes smalldirs names types symlinks links
	times owners flags xattrs=3500 lxattrs acls)
compare_image
