#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Symlinks whose target and size do not agree.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O ^metadata_csum

damage "fast symlink longer than the inode"
field fast size 100
changes ./fast
grep -q '^./fast error readlink EUCLEAN' damaged.tree || fail "$what: no error"
damage "fast symlink of no length"
field fast size 0
gives ./fast EUCLEAN
damage "fast symlink of 2^40 bytes"
field fast size 1099511627776
gives ./fast EUCLEAN
damage "slow symlink longer than a block"
field slow size 1025
gives ./slow EUCLEAN
damage "slow symlink shorter than it says"
field slow size 500
gives ./slow EUCLEAN
damage "slow symlink whose block is outside the filesystem"
poke $(($(inode_at slow) + 40 + 20)) ffffff7f
gives ./slow EUCLEAN
damage "slow symlink without a block"
poke $(($(inode_at slow) + 40)) 0af3000004000000000000000000000000000000000000000000
gives ./slow EUCLEAN
