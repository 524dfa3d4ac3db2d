#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Extended attributes of up to 64 KiB in inodes of their own.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O ea_inode)
FILL=(tree xattrs=65536 lxattrs acls)
compare_image
