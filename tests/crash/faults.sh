#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The n-th read, write or flush fails, once or from then on; the host's disk is full.
# Time limit: 300
. "${0%/*}/../lib/test.sh"

need_tool mke2fs e2fsck
mkdir images
for args in "-t ext4 -b 4096 -J size=4" "-t ext4 -b 1024 -J size=1" \
	"-t ext4 -b 1024 -O encrypt -J size=1"; do
	# shellcheck disable=SC2086
	make_image image 16M -N 1024 $args
	"$(tool crash/faults)" image images || fail "mke2fs $args"
done
