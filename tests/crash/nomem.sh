#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every so many allocations of memory one fails, alone or with all from there on. Orphan files are left out
# for the reason that docs/status.md gives.
# Time limit: 300
. "${0%/*}/../lib/test.sh"

need_tool mke2fs e2fsck
mkdir images
make_image image 16M -N 1024 -t ext4 -b 1024 -J size=1
"$(tool crash/nomem)" image images 1 8 100000 || fail "plain"
make_image image 16M -N 1024 -t ext4 -b 1024 -J size=1 -O quota,project,inline_data \
	-E quotatype=usrquota:grpquota:prjquota
"$(tool crash/nomem)" image images 1 12 100000 || fail "quota and inline data"
make_image image 16M -N 1024 -t ext4 -b 1024 -J size=1 -O encrypt
"$(tool crash/nomem)" image images 1 20 100000 || fail "encrypted"
