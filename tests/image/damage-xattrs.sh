#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Extended attributes whose entries or values point anywhere.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O ^metadata_csum -I 256
block=$(xattr_block_at big)
body=$(($(inode_at hello) + 128 + 32))

# entry AT DESCRIPTION OFFSET HEX PATH: name length 0, index 1, value offset 2, inode 4, size 8.
entry()
{
	damage "$2"
	poke $(($1 + $3)) "$4"
	gives "$5" EUCLEAN
}

damage "no magic number in the block"
poke "$block" 00000000
gives ./big EUCLEAN
damage "more than one block"
poke $((block + 8)) 02000000
gives ./big EUCLEAN
first=$((block + 32))
entry "$first" "value outside the block" 2 fcff ./big
entry "$first" "value size 2^32-1" 8 ffffffff ./big
entry "$first" "value that leaves the block" 8 00040000 ./big
entry "$first" "name that leaves the block" 0 ff ./big
entry "$first" "value in an inode, without the feature" 4 05000000 ./big
damage "unknown namespace"
poke $((first + 1)) 77
changes ./big
damage "no end of the list"
head -c 992 /dev/zero | tr '\0' '\1' | dd of=image bs=1 seek="$first" conv=notrunc status=none
gives ./big EUCLEAN
damage "block outside the filesystem"
field big file_acl 0x7fffffff
gives ./big EUCLEAN
damage "block in the superblock"
field big file_acl 1
gives ./big EUCLEAN
damage "block 0 is none"
field big file_acl 0
changes ./big

damage "no magic number in the inode"
poke "$body" 00000000
changes ./hello ./many
entry=$((body + 4))
links=$(grep -o '^./many/[^ ]* type' base.tree | cut -d' ' -f1 | sed 's/$/ EUCLEAN/')
damage "value outside the inode"
poke $((entry + 2)) fc7f
# shellcheck disable=SC2086
changes ./hello ./many
grep -q '^./hello .* EUCLEAN' damaged.tree || fail "$what: no error"
[ -n "$links" ] || fail "no links"
damage "name that leaves the inode"
poke "$entry" ff
changes ./hello ./many
grep -q '^./hello .* EUCLEAN' damaged.tree || fail "$what: no error"

base -t ext4 -b 1024
damage "checksum of the attribute block"
poke $(($(xattr_block_at big) + 16)) 00000000
gives ./big EBADMSG
damage "a value changed"
poke $(($(xattr_block_at big) + 1020)) 7e
gives ./big EBADMSG
