#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Journals that cannot be replayed: refused, but readable without.
. "${0%/*}/../lib/damage.sh"

need_loop
make_source
base -t ext4 -b 1024
mkdir k
cp base image
kmount image k nodelalloc
sync k
echo "through the journal" >k/newer
mkdir k/newdir
sync k/newer
cp image base
umount k
dumpe2fs -h base 2>/dev/null | has needs_recovery || fail "the journal is clean"
what=undamaged
cp base image
look base.tree
grep -q '^./newer ' base.tree || fail "the journal is not replayed"
journal=$(block_at '<8>')

# without DESCRIPTION: what lies on disk can be seen all the same.
without()
{
	not_mounted "$1"
	OPTIONS=norecovery look old.tree
	OPTIONS=
	grep -q '^./hello ' old.tree || fail "$what: not readable with norecovery"
	! grep -q '^./newer ' old.tree || fail "$what: norecovery shows what is in the journal only"
}

damage "no magic number"
poke "$journal" 00000000
without journal
damage "no superblock of a journal"
poke $((journal + 4)) 00000009
without journal
damage "another block size"
poke $((journal + 12)) 00001000
without journal
damage "no blocks"
poke $((journal + 16)) 00000000
without journal
damage "more blocks than its file has"
poke $((journal + 16)) 7fffffff
without journal
damage "begins behind its end"
poke $((journal + 28)) 7fffffff
without journal
damage "begins in the middle of nowhere"
poke $((journal + 20)) ffffffff
without journal
damage "unknown feature"
poke $((journal + 40)) 40000000
without 'journal.*feature|feature'
damage "checksum of its superblock"
poke $((journal + 252)) 00000000
without 'checksum'
# The reason is in a line before.
LINES_MAX=2
damage "the journal's inode has no blocks"
field '<8>' 'block[5]' 0x7fffffff
not_mounted journal
damage "the journal's inode is another file"
super journal_inum 12
not_mounted journal
damage "the journal's inode does not exist"
super journal_inum 0x7fffffff
not_mounted journal

# Damage inside the log ends the replay before it; what was committed earlier counts.
damage "first descriptor block"
poke $((journal + 1024)) 00000000
look damaged.tree
grep -q '^./hello ' damaged.tree || fail "$what: not readable"
! grep -q '^./newer ' damaged.tree || fail "$what: replayed all the same"
for ((offset = 1024; offset < 60 * 1024; offset += 509)); do
	damage "byte $offset of the log"
	poke $((journal + offset)) aa55
	if "$EXT4D" image mnt 2>out; then
		timeout 20 "$(tool image/treedump)" mnt >damaged.tree || [ $? = 1 ] || fail "$what: walk"
		grep -q '^./hello ' damaged.tree || fail "$what: not readable"
		timeout 20 "$EXT4D" --unmount mnt || fail "$what: cannot unmount"
	else
		must_say .
	fi
	no_sanitizer_report
done
