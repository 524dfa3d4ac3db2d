#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Large inodes with room for many attributes.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -I 1024 -N 9000)
FILL=(tree sizes symlinks times xattrs=3500 lxattrs acls)
compare_image
