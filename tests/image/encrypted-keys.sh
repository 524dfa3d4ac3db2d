#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Encrypted directories with their key, through the core: each policy that the kernel here can fill is
# read as the kernel reads it.
. "${0%/*}/../lib/image.sh"

need_loop

# The policies: a name, and what mkencrypted takes.
policies()
{
	echo "v2"
	echo "v1 -1"
	echo "pad4 -f 0"
	echo "pad8-v1 -1 -f 1"
	echo "lblk64 -f 0x0b"
	echo "lblk32 -f 0x13"
	echo "unit512 -u 9"
	echo "unit1k -u 10"
}

# fill DIR: sizes around blocks and data units, holes, preallocation, names and targets of
# every length, a directory with an index.
fill()
{
	local dir=$1 len name size

	mkdir "$dir/names" "$dir/many" "$dir/data"
	for len in {1..40} 63 64 65 127 128 129 143 144 145 149 160 161 177 200 223 224 225 239 240 241 254 255; do
		name=$(printf "%0${len}d" 7)
		echo "$len" >"$dir/names/$name"
		ln -s "$name" "$dir/names/l$len"
	done
	ln -s "$(printf '%0500d' 1)" "$dir/names/long500"
	ln -s "$(printf '%0900d' 1)" "$dir/names/long900"
	for size in {1..400}; do
		: >"$dir/many/an entry with a number, $size"
	done
	for size in 1 15 16 17 511 512 513 1023 1024 1025 4095 4096 4097 8191 8193 65537 1048576 1050001; do
		head -c "$size" <(yes "$size bytes") >"$dir/data/s$size"
	done
	truncate -s 1000000 "$dir/data/hole"
	printf 'in the middle' | dd of="$dir/data/hole" bs=1 seek=500001 conv=notrunc status=none
	fallocate -l 300000 "$dir/data/unwritten"
	printf 'begins' | dd of="$dir/data/unwritten" bs=1 seek=8192 conv=notrunc status=none
	truncate -s 5000 "$dir/data/s65537"
	truncate -s 9000 "$dir/data/s65537"
}

sorted_dump()
{
	local out=$1

	shift
	"$(tool image/cryptdump)" "$@" >dump || fail "cryptdump $* failed"
	LC_ALL=C sort dump >"$out"
}

compare()
{
	local block=$1 name options

	make_image image 200M -t ext4 -b "$block" -O encrypt,stable_inodes
	kmount image mnt
	while read -r name options; do
		mkdir "mnt/$name"
		# shellcheck disable=SC2086
		"$(tool image/mkencrypted)" $options "mnt/$name" >/dev/null 2>mkerr || {
			# a data unit must not be larger than a block, for one
			rmdir "mnt/$name"
			echo "blocks of $block: no $name: $(cat mkerr)"
			continue
		}
		fill "mnt/$name"
	done < <(policies)
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

for block in 4096 1024; do
	compare "$block"
	[ "$(grep -c '^f' kernel.dump)" -gt 3000 ] || fail "only $(grep -c '^f' kernel.dump) files"
done
