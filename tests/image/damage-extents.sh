#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Extent trees that point outside, into themselves, or nowhere.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O ^metadata_csum
at=$(($(inode_at pieces) + 40))
leaf=$(map_block_at pieces)

damage "no magic number in the inode"
poke "$at" 0000
gives ./pieces EUCLEAN
damage "more entries than there is room for"
poke $((at + 2)) ffff
gives ./pieces EUCLEAN
damage "room for more entries than fit"
poke $((at + 4)) ff00
gives ./pieces EUCLEAN
damage "depth of 6"
poke $((at + 6)) 0600
gives ./pieces EUCLEAN
damage "depth of 0xffff"
poke $((at + 6)) ffff
gives ./pieces EUCLEAN
damage "a depth that the leaves do not have"
poke $((at + 6)) 0300
gives ./pieces EUCLEAN
damage "leaf outside the filesystem"
poke $((at + 16)) ffffff7f
gives ./pieces EUCLEAN
damage "leaf beyond 2^32"
poke $((at + 20)) ffff
gives ./pieces EUCLEAN
damage "leaf in the superblock"
poke $((at + 16)) 01000000
gives ./pieces EUCLEAN
damage "leaf 0"
poke $((at + 16)) 00000000
gives ./pieces EUCLEAN
damage "an index block that is its own child"
printf -v itself '%08x' $((leaf / 1024))
itself=${itself:6:2}${itself:4:2}${itself:2:2}${itself:0:2}
poke $((at + 6)) 0400
poke "$leaf" 0af30100540003000000000000000000"$itself"00000000
gives ./pieces EUCLEAN

# extent OFFSET HEX: in the extents of the leaf.
damage "no magic number in the leaf"
poke "$leaf" 0000
gives ./pieces EUCLEAN
damage "leaf with too many entries"
poke $((leaf + 2)) ffff
gives ./pieces EUCLEAN
damage "leaf of another depth"
poke $((leaf + 6)) 0100
gives ./pieces EUCLEAN
damage "extent outside the filesystem"
poke $((leaf + 12 + 8)) ffffff7f
gives ./pieces EUCLEAN
damage "extent that leaves the filesystem"
poke $((leaf + 12 + 4)) 0080
gives ./pieces EUCLEAN
damage "extent in the superblock"
poke $((leaf + 12 + 8)) 01000000
changes ./pieces
damage "extent of no length"
poke $((leaf + 12 + 4)) 0000
gives ./pieces EUCLEAN
damage "overlapping extents"
poke $((leaf + 24)) 00000000
gives ./pieces EUCLEAN
damage "extents out of order"
poke $((leaf + 12)) 10270000
gives ./pieces EUCLEAN
damage "extent at the last possible block"
poke $((leaf + 12)) ffffffff
gives ./pieces EUCLEAN

base -t ext4 -b 1024
damage "checksum of an extent block"
poke $(($(map_block_at pieces) + 1020)) 00000000
gives ./pieces EBADMSG
damage "a byte behind the last extent"
poke $(($(map_block_at pieces) + 1010)) 7e
gives ./pieces EBADMSG
