#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inodes with impossible fields, wrong checksums, no inode at all.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O ^metadata_csum -I 256
at=$(inode_at big)

damage "inode of no known type"
poke "$at" 0000
gives ./big EUCLEAN
damage "mode of a type that does not exist"
poke "$at" ffff
gives ./big EUCLEAN
damage "size of 2^63"
poke $((at + 108)) 00000080
gives ./big EUCLEAN
damage "size beyond what blocks can be mapped"
poke $((at + 108)) ffffff7f
changes ./big
damage "more room for fields than the inode has"
poke $((at + 128)) f000
gives ./big EUCLEAN
damage "odd room for fields"
poke $((at + 128)) 0100
gives ./big EUCLEAN
damage "deleted, but named"
poke $((at + 20)) 01000000
poke $((at + 26)) 0000
changes ./big
damage "an entry that names inode 0xffffffff"
poke "$(($(block_at /dir) + 24))" ffffffff
changes ./dir
damage "an entry that names a reserved inode"
poke "$(($(block_at /dir) + 24))" 07000000
changes ./dir
for bit in 00000001 00000020 00000002 00000040 00000080; do
	damage "odd flags $bit"
	poke $((at + 32)) "$bit"
	changes ./big
done

base -t ext4 -b 4096
damage "checksum of an inode"
poke $(($(inode_at big) + 124)) 0000
gives ./big EBADMSG
damage "checksum of a directory's inode"
poke $(($(inode_at dir) + 4)) 0080
gives ./dir EBADMSG
damage "checksum of the root directory's inode"
poke $(($(inode_at /) + 8)) 00000000
not_mounted 'checksum'
damage "bytes of an inode that nothing names"
poke $(($(inode_at '<11>') - 256)) ffffffffffffffff
changes
