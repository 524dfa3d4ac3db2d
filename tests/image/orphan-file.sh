#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The orphan list in a file.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O orphan_file)
FILL=(tree sizes types symlinks)
compare_image
