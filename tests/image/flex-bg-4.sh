#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bitmaps and tables packed by four groups.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -G 4)
FILL=(tree bigdir sizes types symlinks fragments=3000 xattrs=900)
compare_image
