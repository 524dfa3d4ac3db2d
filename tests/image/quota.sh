#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Quota files in hidden inodes. They are made afterwards: a kernel without quota formats
# would not mount such an image for writing.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 4096 -I 256)
FILL=(tree owners sizes)
SETUP()
{
	kumount "$1"
	tune2fs -O quota,project -Q usrquota,grpquota,prjquota image >/dev/null
	kmount image "$1" ro
}

compare_image
