#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every sixth allocation of memory fails, that one alone or all from there on.
# Time limit: 300
. "${0%/*}/../lib/test.sh"

need_tool mke2fs e2fsck
mkdir images
make_image image 16M -N 1024 -t ext4 -b 1024 -J size=1
"$(tool crash/nomem)" image images 1 6 100000
