#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One file, changed and read through page cache, O_DIRECT and mappings in turn: whoever reads sees what was
# written last. Then what the kernel's ext4 reads from the image is held against the same.
#
#   ONEFILE_SEEDS="7 8" ONEFILE_COUNT=20000   other sequences
. "${0%/*}/../lib/test.sh"

need_loop
onefile=$(tool posix/onefile)

# mixed WHAT MAX "ONEFILE-ARGUMENTS" MKE2FS-ARGUMENT...
mixed()
{
	local what=$1 max=$2 more=$3 seed args start=$SECONDS

	shift 3
	make_image image 64M "$@"
	emount image mnt -o rw
	for seed in ${ONEFILE_SEEDS:-1 2}; do
		args="--seed $seed --count ${ONEFILE_COUNT:-2000} --max $max $more"
		# shellcheck disable=SC2086
		"$onefile" $args "mnt/$seed" || fail "$what: onefile $args"
	done
	eumount mnt
	judge image
	kmount image mnt ro
	for seed in ${ONEFILE_SEEDS:-1 2}; do
		args="--seed $seed --count ${ONEFILE_COUNT:-2000} --max $max $more"
		# shellcheck disable=SC2086
		"$onefile" $args --verify "mnt/$seed" || fail "$what, on disk: onefile $args --verify"
	done
	kumount mnt
	echo "$what: $((SECONDS - start)) s"
}

mixed 'as mke2fs makes it' 300000 '' -t ext4
mixed 'blocks of 1 KiB' 300000 '--align 512' -t ext4 -b 1024
mixed 'bigalloc' 1000000 '' -t ext4 -O bigalloc -C 65536
mixed 'no extents' 300000 '--indirect' -t ext2 -b 1024
mixed 'inline data, now and then' 6000 '--align 512' -t ext4 -O inline_data -I 1024
mixed 'inline data only' 100 '' -t ext4 -O inline_data -I 512
