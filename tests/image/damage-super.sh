#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Superblocks that make no sense, unknown features.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O ^metadata_csum

# Offsets in the superblock, which begins at byte 1024.
sb()
{
	poke $((1024 + $1)) "$2"
}

# refused DESCRIPTION OFFSET HEX [PATTERN]
refused()
{
	damage "$1"
	sb "$2" "$3"
	not_mounted "${4:-}"
}

refused "magic number" 56 0000 'not an ext'
refused "block size 2^30" 24 14000000
refused "block size 2^-1" 24 ffffffff
refused "block size of 128 KiB" 24 07000000
refused "inode size 0" 88 0000
refused "inode size 100" 88 6400
refused "inode size 64" 88 4000
refused "inode size over the block size" 88 0010
refused "no inodes in a group" 40 00000000
refused "too many inodes in a group" 40 ffffffff
refused "no blocks in a group" 32 00000000
refused "too many blocks in a group" 32 ffffffff
refused "no blocks at all" 4 00000000
refused "more blocks than the image has" 4 01400000 'truncated|end|short|larger'
refused "many more blocks than the image has" 4 ffffff7f
refused "first data block past the end" 20 ffffffff
refused "first data block 0 with small blocks" 20 00000000
refused "revision 77" 76 4d000000
refused "descriptor size 8" 254 0800
refused "descriptor size 60" 254 3c00
refused "descriptor size over the block size" 254 0010
refused "cluster size unlike the block size" 28 05000000

# Bits that nobody has given a meaning to, and some that have one we do not know.
refused "incompatible feature bit 31" 96 c2020080 '[Ff]eature.*(31|0x80000000)'
refused "incompatible feature: compression" 96 c3020000 'feature.*compression'
refused "incompatible feature: journal_dev" 96 ca020000 'journal'
refused "several unknown features" 96 c2020060 'feature.*(29|0x20000000|0x60000000)'
damage "unknown compatible feature"
sb 92 3c000080
changes
damage "unknown read-only compatible feature"
sb 100 6b040080
changes

# Nothing of this matters to a reader.
for offset in 48 52 54 58 60 64 68 72 84 104 136 204 205 264 336 348 388; do
	damage "byte $offset"
	sb "$offset" ff
	changes .
done

# A checksum covers all of it.
base -t ext4 -b 4096 -O metadata_csum
damage "checksum of the superblock"
sb 1020 00000000
not_mounted 'checksum'
damage "label changed without its checksum"
sb 120 41
not_mounted 'checksum'
damage "unknown kind of checksum"
sb 373 09
not_mounted
# The backup is not looked at by itself, nor is it needed.
base -t ext4 -b 1024 -g 8192
damage "backup superblock and descriptors"
dd if=/dev/zero of=image bs=1024 seek=8193 count=10 conv=notrunc status=none
changes
