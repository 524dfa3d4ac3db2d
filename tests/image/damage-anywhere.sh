#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 240
# Bytes changed anywhere in the metadata: never a crash, never a hang.
. "${0%/*}/../lib/damage.sh"

base -t ext4 -b 1024 -O inline_data,ea_inode,^metadata_csum -I 256
# Every run hits other places; the seed that is printed repeats it.
seed=${SEED:-$RANDOM}
echo "SEED=$seed"
RANDOM=$seed
cp base image
used=$(dumpe2fs -h base 2>/dev/null | awk '/^Block count:/ { n = $3 } /^Free blocks:/ { n -= $3 } END { print n }')
for _ in {1..60}; do
	damage "random bytes, seed $seed"
	for _ in {1..40}; do
		poke $((1024 + (RANDOM * 32768 + RANDOM) % (used * 1024))) "$(printf %02x $((RANDOM % 256)))"
	done
	if timeout 20 "$EXT4D" image mnt 2>out; then
		timeout 30 "$(tool image/treedump)" mnt >damaged.tree || [ $? = 1 ] ||
			fail "$what: walk ended with $?"
		timeout 20 "$EXT4D" --unmount mnt || fail "$what: cannot unmount"
	else
		must_say .
	fi
	no_sanitizer_report
done
