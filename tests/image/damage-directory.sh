#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Directory blocks with damaged entries, holes, impossible sizes.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O ^metadata_csum
block=$(block_at /dir)

# Entries of /dir: ".", "..", "deeper", "sub" or the other way round.
for length in 0000 0100 0700 0a00 ff03 0004 fcff ffff; do
	damage "third entry with length 0x$length"
	poke $((block + 24 + 4)) "$length"
	changes ./dir
	grep -q '^./dir error readdir EUCLEAN' damaged.tree || fail "$what: no error"
done
damage "name longer than its entry"
poke $((block + 24 + 6)) ff
gives ./dir EUCLEAN
damage "name of no length"
poke $((block + 24 + 6)) 00
changes ./dir
damage "name with a slash"
poke $((block + 24 + 8)) 2f
changes ./dir
! grep -q '^./dir//\|/\\x2f' damaged.tree || fail "a name with a slash is shown"
damage "name with a zero byte"
poke $((block + 24 + 8 + 1)) 00
changes ./dir
damage "the name is .."
poke $((block + 24 + 6)) 02
poke $((block + 24 + 8)) 2e2e
changes ./dir
damage "length of the first entry"
poke $((block + 4)) 0d00
changes ./dir
damage "an unused entry of the whole block"
poke "$block" 000000000004
changes ./dir
damage "unknown file type"
poke $((block + 24 + 7)) 63
changes ./dir
damage "zeros for a block"
dd if=/dev/zero of=image bs=1024 seek=$((block / 1024)) count=1 conv=notrunc status=none
gives ./dir EUCLEAN
damage "random bytes for a block"
head -c 1024 "$EXT4D" | dd of=image bs=1024 seek=$((block / 1024)) conv=notrunc status=none
gives ./dir EUCLEAN

damage "a directory of no size"
field dir size 0
changes ./dir
damage "a directory of odd size"
field dir size 1000
changes ./dir
damage "a directory with a hole at its end"
field dir size 1000000
changes ./dir
damage "a directory of 2^40 bytes"
field dir size 1099511627776
changes ./dir
damage "an entry that names its own directory"
debugfs -w -R "link dir dir/sub/loop" image >/dev/null 2>&1
changes ./dir
damage "an entry that names the root"
debugfs -w -R "link / dir/sub/loop" image >/dev/null 2>&1
changes ./dir

base -t ext4 -b 1024
damage "checksum of a directory block"
poke $(($(block_at /dir) + 1020)) 00000000
gives ./dir EBADMSG
damage "no room for a checksum in a directory block"
poke $(($(block_at /dir) + 1012)) 0000000000000000
gives ./dir EBADMSG
