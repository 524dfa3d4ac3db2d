#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Directories without an index.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024 -O ^dir_index)
FILL=(tree bigdir=4000 churn names types)
compare_image
