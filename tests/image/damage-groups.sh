#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Group descriptors: damage of one group is that of the inodes in it.
. "${0%/*}/../lib/damage.sh"

make_source
# Few inodes in each group, so that the files lie in several.
base -t ext4 -b 1024 -g 2048 -N 128 -O ^resize_inode,^flex_bg,^uninit_bg,^metadata_csum
per=$(dumpe2fs -h base 2>/dev/null | sed -n 's/^Inodes per group: *//p')
hello=$(debugfs -R "stat hello" base 2>/dev/null | sed -n 's/^Inode: \([0-9]*\).*/\1/p')
[ "$hello" -gt "$per" ] || fail "all files are in the first group"

# The descriptor of group N, and the paths of its inodes with an error.
descriptor()
{
	echo $((2048 + 64 * $1))
}

in_group()
{
	awk -v per="$per" -v group="$1" -v error="$2" '
		/ ino=/ && match($0, / ino=[0-9]+/) {
			ino = substr($0, RSTART + 5, RLENGTH - 5)
			if (int((ino - 1) / per) == group)
				print $1, error
		}' base.tree
}

group=$(((hello - 1) / per))
for table in 00000000 ffffffff 01000000; do
	damage "inode table of group $group at $table"
	poke $(($(descriptor "$group") + 8)) "$table"
	# shellcheck disable=SC2046
	changes $(in_group "$group" '' | tr -d ' ')
	# A table elsewhere may hold anything; one outside the filesystem is an error.
	[ "$table" = 01000000 ] || grep -q 'error stat EUCLEAN' damaged.tree || fail "$what: no error"
done
damage "bitmaps of group $group outside the filesystem"
poke "$(descriptor "$group")" ffffffffffffffff
changes
damage "inode table of the root's group outside the filesystem"
poke $(($(descriptor 0) + 8)) ffffffff
not_mounted

base -t ext4 -b 1024 -g 2048 -N 128 -O ^resize_inode,^flex_bg
damage "checksum of group $group"
poke $(($(descriptor "$group") + 30)) 0000
# shellcheck disable=SC2046
gives $(in_group "$group" EBADMSG)
