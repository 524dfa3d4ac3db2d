#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Attribute values in inodes of their own that are none.
. "${0%/*}/../lib/damage.sh"

make_source
head -c 9000 /dev/zero | tr '\0' L >long
echo "ea_set -f long big user.verylong" >>more-commands
base -t ext4 -b 1024 -O ea_inode,^metadata_csum -I 128
debugfs -R "ea_get big user.verylong" base 2>/dev/null | has L || fail "no long value"
block=$(xattr_block_at big)
# The entry whose value is in an inode.
entry=$(dd if=base bs=1 skip="$block" count=1024 status=none | od -An -v -tx1 -w1024 |
	tr -d ' \n' | awk '{
		at = 32
		while (1) {
			len = hex(substr($0, 2 * at + 1, 2))
			if (!len)
				exit
			if (substr($0, 2 * at + 9, 8) != "00000000")
				print at
			at += int((len + 16 + 3) / 4) * 4
		}
	}
	function hex(s) {
		return 16 * (index("0123456789abcdef", substr(s, 1, 1)) - 1) + \
			index("0123456789abcdef", substr(s, 2, 1)) - 1
	}')
[ -n "$entry" ] || fail "no entry with an inode"
at=$((block + entry))

for inode in 02000000 0c000000 ffffffff 08000000; do
	damage "the value is in inode $inode"
	poke $((at + 4)) "$inode"
	gives ./big EUCLEAN
done
damage "size of the value unlike that of its inode"
poke $((at + 8)) 00400000
gives ./big EUCLEAN
damage "size of the value is 2^32 - 1"
poke $((at + 8)) ffffffff
gives ./big EUCLEAN
