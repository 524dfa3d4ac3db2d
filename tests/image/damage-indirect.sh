#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Indirect maps that point outside or at themselves.
. "${0%/*}/../lib/damage.sh"

base -t ext2 -b 1024
at=$(($(inode_at pieces) + 40))
block=$(map_block_at pieces)
printf -v itself '%08x' $((block / 1024))
itself=${itself:6:2}${itself:4:2}${itself:2:2}${itself:0:2}

damage "block outside the filesystem"
poke "$at" ffffff7f
gives ./pieces EUCLEAN
damage "indirect block outside the filesystem"
poke $((at + 48)) ffffff7f
gives ./pieces EUCLEAN
damage "double indirect block outside the filesystem"
poke $((at + 52)) ffffffff
gives ./pieces EUCLEAN
damage "triple indirect block outside the filesystem, behind the end"
poke $((at + 56)) ffffffff
changes ./pieces
damage "pointer in an indirect block outside the filesystem"
poke $((block + 8)) ffffffff
gives ./pieces EUCLEAN
damage "an indirect block that holds itself"
for ((i = 0; i < 256; i++)); do
	printf '%s' "$itself"
done >pointers
poke "$block" "$(cat pointers)"
poke $((at + 52)) "$itself"
poke $((at + 56)) "$itself"
poke $((at + 64)) 00000000
changes ./pieces
damage "the same with the largest size"
poke "$block" "$(cat pointers)"
poke $((at + 52)) "$itself"
poke $((at + 56)) "$itself"
field pieces size 17247252480
timeout 60 true
cp image kept
"$EXT4D" image mnt
timeout 5 head -c 2000000 mnt/pieces >/dev/null || true
equal "hello" hello "$(cat mnt/hello)"
timeout 20 "$EXT4D" --unmount mnt
no_sanitizer_report
damage "a directory whose blocks are outside the filesystem"
poke $(($(inode_at dir) + 40)) ffffff7f
gives ./dir EUCLEAN
damage "a directory block in the superblock"
poke $(($(inode_at dir) + 40)) 01000000
gives ./dir EUCLEAN
