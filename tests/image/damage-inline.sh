#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Inline data that is not where, or not as long as, the inode says.
. "${0%/*}/../lib/damage.sh"

make_source
mkdir src/small
echo x >src/small/a
echo y >src/small/b
head -c 100 /dev/zero | tr '\0' i >src/inline
base -t ext4 -b 1024 -O inline_data,^metadata_csum -I 256
debugfs -R "stat inline" base 2>/dev/null | has 'Size of inline data' || fail "no inline data"
debugfs -R "stat small" base 2>/dev/null | has 'Size of inline data' || fail "no inline directory"

damage "file longer than its inline data"
field inline size 100000
changes ./inline
damage "flagged as inline, but with a map of blocks"
field big flags 0x10000000
changes ./big
damage "flagged as inline and as extents"
field inline flags 0x10080000
changes ./inline
damage "inline data without the attribute that holds it"
poke $(($(inode_at inline) + 160)) 00000000
changes ./inline
grep -q '^./inline .* EUCLEAN' damaged.tree || fail "$what: no error"
damage "the attribute's value lies outside the inode"
poke $(($(inode_at inline) + 166)) f0ff
changes ./inline
grep -q '^./inline .* EUCLEAN' damaged.tree || fail "$what: no error"

dir=$(($(inode_at small) + 40))
for length in 0000 0100 ff00 ffff; do
	damage "entry of an inline directory with length 0x$length"
	poke $((dir + 4 + 4)) "$length"
	changes ./small
	grep -q '^./small error readdir EUCLEAN' damaged.tree || fail "$what: no error"
done
damage "name of an inline directory longer than its entry"
poke $((dir + 4 + 6)) ff
gives ./small EUCLEAN
damage "inline directory of 2^20 bytes"
field small size 1048576
changes ./small
damage "parent of an inline directory"
poke "$dir" ffffffff
changes ./small
