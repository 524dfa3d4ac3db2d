#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hash trees with a damaged root or node: names are found all the same, or are an error.
. "${0%/*}/../lib/damage.sh"

INDEX=1
base -t ext4 -b 1024 -O ^metadata_csum
root=$(block_at /many)
debugfs -R "htree_dump many" base 2>/dev/null | has 'Hash Version' || fail "no index"

# In the root: hash version at 28, length 29, levels 30; limit 32, count 34, block 36, hash 40.
damage "unknown hash"
poke $((root + 28)) 77
changes ./many
damage "length of the root's head"
poke $((root + 29)) ff
changes ./many
damage "more levels than there may be"
poke $((root + 30)) 09
changes ./many
damage "a level that is not there"
poke $((root + 30)) 01
changes ./many
damage "count over the limit"
poke $((root + 34)) ffff
changes ./many
damage "count of zero"
poke $((root + 34)) 0000
changes ./many
damage "limit over what fits"
poke $((root + 32)) ffff
changes ./many
damage "first block behind the end"
poke $((root + 36)) ffffff00
changes ./many
damage "first block is the root itself"
poke $((root + 36)) 00000000
changes ./many
damage "hashes out of order"
poke $((root + 40)) ffffffff
changes ./many
damage "a leaf behind the end of the directory"
poke $((root + 44)) 00000070
changes ./many
damage "size of the entry for .."
poke $((root + 12 + 4)) 0c00
changes ./many
damage "an index on a directory that has none"
field dir flags 0x81000
changes ./dir

base -t ext4 -b 1024
damage "checksum of the root of the index"
poke $(($(block_at /many) + 1020)) 00000000
changes ./many
grep -q '^./many.* EBADMSG$' damaged.tree || fail "$what: no error"
damage "checksum of a leaf"
poke $(($(block_at /many 2) + 1020)) 00000000
changes ./many
grep -q '^./many error readdir EBADMSG$' damaged.tree || fail "$what: no error"
shown=$(grep -c '^./many/' damaged.tree)
[ "$shown" -gt 100 ] || fail "$what: only $shown lines of the other leaves are shown"
