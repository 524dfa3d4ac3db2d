#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names, locks and objects that are no files, with what mke2fs makes by default.
# Time limit: 300
. "${0%/*}/../lib/posix.sh"

posix_images 256M -t ext4 -b 4096
posix_look lengths rename dotdot unlinked tmpfile opens descriptors locks deadlock leases inotify \
	sockets fifos devices exec positions
posix_compare
