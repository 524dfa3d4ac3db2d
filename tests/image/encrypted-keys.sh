#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Encrypted directories with their key, through the core: each policy that the kernel here can fill is
# read as the kernel reads it.
. "${0%/*}/../lib/encrypted.sh"

need_loop

compare()
{
	local block=$1 name

	make_image image 96M -t ext4 -b "$block" -O encrypt,stable_inodes
	kmount image mnt
	add_policies
	for name in "${encrypted[@]}"; do
		fill "mnt/$name"
	done
	# names alone: this kernel may have no cipher for the contents that go with them
	mkdir mnt/aes128
	"$(tool image/mkencrypted)" -c 5 -n 6 mnt/aes128 >/dev/null || fail "no AES-128"
	mkdir mnt/aes128/{a,bb,a-directory-with-a-longer-name}
	ln -s "a target in AES-128" mnt/aes128/link
	sync mnt
	sorted_dump kernel.dump -d mnt
	kumount mnt
	judge image
	sorted_dump ext4d.dump image
	same_text kernel.dump ext4d.dump "blocks of $block: the trees differ (< kernel, > ext4d)"
	sorted_dump ext4d.dump -w image
	same_text kernel.dump ext4d.dump "blocks of $block, writable: the trees differ"
	judge image
}

make_source
for block in 4096 1024; do
	compare "$block"
	files=$(grep -c '^f' kernel.dump)
	[ "$files" -gt 2500 ] || fail "only $files files"
done
