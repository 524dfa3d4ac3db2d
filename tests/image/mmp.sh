#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Multi-mount protection: a reader only looks.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 1024 -O mmp -E mmp_update_interval=1)
FILL=(tree sizes types symlinks)
compare_image
