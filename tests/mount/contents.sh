#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Contents are the same however they are read: mapped, direct, in parallel.
. "${0%/*}/../lib/image.sh"

need_loop
probe=$(tool mount/probe)
make_image image 128M -t ext4 -b 1024
kmount image mnt
"$(tool image/fill)" mnt sizes fragments=500 unwritten
for i in {1..8}; do
	head -c 5000001 /dev/urandom >"mnt/random$i"
done
(cd mnt && find . -type f -exec sha256sum {} +) >sums
kumount mnt
for round in cold again; do
	emount image mnt
	for file in mnt/sizes/s[1-9]* mnt/fragments/* mnt/unwritten/* mnt/random1; do
		"$probe" mmap "$file"
		"$probe" direct "$file"
	done
	eumount mnt
	# All at once, from different processes, twice.
	emount image mnt
	(cd mnt && split -n r/8 --filter='sha256sum -c --quiet -' ../sums) || fail "sums differ ($round)"
	for part in 1 2 3 4 5 6 7 8; do
		(cd mnt && sort -R ../sums | sha256sum -c --quiet -) &
		readers[part]=$!
	done
	for part in 1 2 3 4 5 6 7 8; do
		wait "${readers[part]}" || fail "sums differ for parallel readers ($round)"
	done
	eumount mnt
done
