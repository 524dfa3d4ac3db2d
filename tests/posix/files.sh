#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What operations see and leave behind, with what mke2fs makes by default.
# Time limit: 300
. "${0%/*}/../lib/posix.sh"

topics=(times privileges stamps utimes setgid sticky acls access links direct fsize large rwf copies mmap
	fallocate holes xattrs xattr-limits flags setflags)

posix_images 256M -t ext4 -b 4096
posix_look statfs "${topics[@]}"
posix_look stamps-again
posix_compare
