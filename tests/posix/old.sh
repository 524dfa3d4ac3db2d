#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same where it differs: blocks of 1k, indirect maps, inodes of 128 bytes, names inline.
# Time limit: 300
. "${0%/*}/../lib/posix.sh"

posix_images 256M -t ext2 -b 1024 -I 128
posix_look statfs stamps utimes acls direct large fallocate holes xattr-limits positions setflags
posix_look stamps-again
posix_compare

posix_images 256M -t ext3 -b 4096 -I 128
posix_look statfs stamps privileges large fallocate xattr-limits
posix_look stamps-again
posix_compare

posix_images 256M -t ext4 -b 1024 -O inline_data
posix_look acls xattr-limits positions lengths
posix_compare
