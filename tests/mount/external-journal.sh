#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A journal on a device of its own: what the kernel left in it is replayed.
. "${0%/*}/../lib/image.sh"

need_loop
truncate -s 64M image
truncate -s 16M journal
mke2fs -q -F -b 4096 -O journal_dev journal
jloop=$(losetup -f --show journal)
mke2fs -q -F -t ext4 -b 4096 -J device="$jloop" image
kmount image mnt "journal_path=$jloop"
"$(tool image/fill)" mnt tree sizes
commit mnt
mv mnt/tree/bush1 mnt/moved
rm -r mnt/sizes
commit mnt
cp --sparse=always image dirty
cp --sparse=always journal dirty-journal
kumount mnt
dumpe2fs -h dirty 2>/dev/null | has needs_recovery || fail "the journal is clean"

# The kernel's own replay, of copies.
cp --sparse=always dirty replayed
cp --sparse=always dirty-journal replayed-journal
rloop=$(losetup -f --show replayed-journal)
kmount replayed mnt "journal_path=$rloop"
dump kernel.tree mnt
kumount mnt

view ext4d dirty -o journal_path=dirty-journal
same_text kernel.tree ext4d.tree "replayed: the trees differ (< kernel, > ext4d)"

# Without it, or with another one, nothing is shown that may be wrong.
must_fail "$EXT4D" dirty mnt
must_say journal_path=
truncate -s 16M other
mke2fs -q -F -b 4096 -O journal_dev other
must_fail "$EXT4D" dirty mnt -o journal_path=other
must_say 'not the one that the filesystem names'
must_fail "$EXT4D" dirty mnt -o journal_path=missing
must_say 'missing: No such file'
must_fail "$EXT4D" dirty mnt -o journal_path=dirty
must_say 'no external journal'
emount dirty mnt -o norecovery
eumount mnt

# Clean, it is not needed; a filesystem with a journal inside takes none.
emount image mnt
eumount mnt
truncate -s 16M plain
mke2fs -q -F -t ext4 plain
must_fail "$EXT4D" plain mnt -o journal_path=other
must_say 'its journal inside'
