#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Power cuts at many moments, on journals of several kinds: see tests/crash/crash.c.
# Time limit: 300
. "${0%/*}/../lib/test.sh"

need_tool mke2fs e2fsck
kernel=0
if [ "$(id -u)" = 0 ] && losetup -f >/dev/null 2>&1; then
	kernel=10
fi

# cuts SEED CRASH-ARGUMENTS MKE2FS-ARGUMENT...
cuts()
{
	local seed=$1 arguments=$2 keys=()

	shift 2
	[ "${*/encrypt/}" = "$*" ] || keys=(--keys "$(tool image/mkencrypted) -k")
	echo "--- $*"
	make_image image 16M -N 1024 "$@"
	mkdir -p images
	# shellcheck disable=SC2086
	"$(tool crash/crash)" --image image --images images --seed "$seed" --kernel "$kernel" \
		"${keys[@]}" $arguments || fail "seed $seed, mke2fs $*"
}

cuts "${SEED:-1}1" "--cuts 110" -t ext4 -b 4096 -J size=4
cuts "${SEED:-1}2" "--cuts 110" -t ext4 -b 1024 -J size=1
cuts "${SEED:-1}3" "--cuts 60" -t ext4 -b 1024 -O ^metadata_csum,^64bit -J size=1
cuts "${SEED:-1}4" "--cuts 60" -t ext4 -b 1024 -O orphan_file -J size=2
cuts "${SEED:-1}5" "--cuts 60" -t ext4 -b 1024 -O fast_commit -J size=2,fast_commit_size=256
cuts "${SEED:-1}6" "--cuts 60" -t ext3 -b 1024 -J size=1
cuts "${SEED:-1}7" "--cuts 60 --ops 3000" -t ext4 -b 1024 -J size=1
cuts "${SEED:-1}8" "--cuts 60" -t ext4 -b 1024 -I 256 -O inline_data -J size=2
cuts "${SEED:-1}9" "--cuts 40" -t ext4 -b 4096 -O encrypt -J size=4
cuts "${SEED:-1}10" "--cuts 40" -t ext4 -b 1024 -O encrypt,inline_data -I 256 -J size=2
