#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Superblocks that cannot be right, and what is no filesystem at all: refused in one line. Unknown
# features: refused by name if reading them wrong is possible, taken otherwise.
. "${0%/*}/../lib/hurt.sh"

build
SB=1024
sb()
{
	echo $((SB + $1)):$2="$3"
}

# refuses PATTERN NAME CHANGE...: with or without the journal.
refuses()
{
	hurt "${@:2}"
	refused "$1"
	refused "$1" -o norecovery
}

refuses 'not an ext' "magic" "$(sb 0x38 2 0xef54)"
refuses 'block size' "block size 2^16 KiB" "$(sb 0x18 4 16)"
refuses 'block size' "block size 2^32" "$(sb 0x18 4 0xffffffff)"
refuses 'damaged superblock' "a block size that is not the cluster's" "$(sb 0x18 4 2)"
refuses 'superblock|cluster' "cluster size" "$(sb 0x1c 4 31)"
refuses 'inodes per group|superblock' "no inodes per group" "$(sb 0x28 4 0)"
refuses 'inodes per group|superblock' "too many inodes per group" "$(sb 0x28 4 0x10000)"
refuses 'inodes|superblock' "fewer inodes per group" "$(sb 0x28 4 128)"
refuses 'inodes|superblock' "inodes" "$(sb 0x00 4 0xffffffff)"
refuses 'blocks per group|superblock' "no blocks per group" "$(sb 0x20 4 0)"
refuses 'blocks per group|superblock' "too many blocks per group" \
	"$(sb 0x20 4 0x80000000)" "$(sb 0x24 4 0x80000000)"
refuses 'first data block|superblock|truncated' "first data block past the end" "$(sb 0x14 4 5000)"
refuses 'first data block|superblock|truncated' "first data block 2^32 - 1" \
	"$(sb 0x14 4 0xffffffff)"
refuses 'descriptor size|superblock' "descriptor size 0" "$(sb 0xfe 2 0)"
refuses 'descriptor size|superblock' "descriptor size 65" "$(sb 0xfe 2 65)"
refuses 'descriptor size|superblock' "descriptor size 32768" "$(sb 0xfe 2 0x8000)"
refuses 'inode size|superblock' "inode size 0" "$(sb 0x58 2 0)"
refuses 'inode size|superblock' "inode size 257" "$(sb 0x58 2 257)"
refuses 'inode size|superblock' "inode size 32768" "$(sb 0x58 2 0x8000)"
refuses 'first inode|superblock' "first inode" "$(sb 0x54 4 3)"
refuses 'do not add up|superblock|truncated' "no blocks" "$(sb 0x04 4 0)"
refuses 'truncated|add up|superblock' "2^63 blocks" "$(sb 0x150 4 0x80000000)"
refuses 'checksum (type|algorithm)' "checksum type" "$(sb 0x175 1 7)"

# as many blocks as one group may have: nothing contradicts it but the image's end
refuses 'truncated.*8000' "blocks past the end" "$(sb 0x04 4 8000)"
hurt "cut off"
truncate -s 3M image
refused 'truncated.*4096.*3072'
# past the end of what is there
truncate -s 1500 image
refused 'not an ext'

hurt_only "checksum" "$(sb 0x3fc 4 0)"
refused 'superblock checksum|checksum'
hurt_only "a field behind the checksum's back" "$(sb 0x78 1 65)"
refused 'superblock checksum|checksum'

# or_bit FIELD BIT: the feature word with one more bit
or_bit()
{
	sb "$1" 4 $(($(number_at $((SB + $1)) 4) | $2))
}

refuses 'unsupported feature.*compression' "compression" "$(or_bit 0x60 1)"
refuses 'unsupported feature.*dirdata' "dirdata" "$(or_bit 0x60 0x1000)"
refuses 'unsupported feature.*FEATURE_I31' "bit 31" \
	"$(or_bit 0x60 0x80000000)"
refuses 'unsupported feature.*compression.*FEATURE_I31' "two of them" \
	"$(or_bit 0x60 0x80000001)"
refuses 'external journal' "an external journal" "$(sb 0x60 4 8)"
for field in 0x5c 0x64; do
	hurt "unknown features at $field" \
		"$(or_bit $field 0x80000000)"
	start
	stop
done

echo "--- no images"
FILE=empty
: >empty
refused 'not an ext'
FILE=text
seq 100000 >text
refused 'not an ext'
FILE=zeros
truncate -s 8M zeros
refused 'not an ext'
FILE=missing
refused 'No such file'
FILE=src
refused 'directory'
FILE=/dev/null
refused 'neither a regular file nor a block device'
FILE=src/keep/dir/fifo
mkfifo $FILE
refused 'neither a regular file nor a block device'
