#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Directory entries without a file type.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 1024 -O ^filetype)
FILL=(tree bigdir churn names types symlinks)
compare_image
