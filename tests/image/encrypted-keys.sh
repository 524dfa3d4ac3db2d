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

# What goes into each directory: sizes around blocks and data units, names and targets of every length.
make_source()
{
	local len name size

	mkdir -p src/names src/data
	for len in 1 2 4 8 12 15 16 17 20 24 31 32 33 48 63 64 65 127 128 129 144 149 150 160 161 200 224 239 240 241 254 255; do
		name=$(printf "%0${len}d" 7)
		echo "$len" >"src/names/$name"
		ln -s "$name" "src/names/l$len"
	done
	ln -s "$(printf '%0500d' 1)" src/names/long500
	ln -s "$(printf '%0900d' 1)" src/names/long900
	for size in 0 1 15 16 17 511 512 513 1023 1024 1025 4095 4096 4097 8191 8193 65537 1050001; do
		head -c "$size" <(yes "$size bytes") >"src/data/s$size"
	done
}

# fill DIR: the source, holes, preallocation, what truncation leaves, a directory with an index.
fill()
{
	local dir=$1 nr

	cp -a src/. "$dir"
	mkdir "$dir/many"
	for nr in {1..300}; do
		: >"$dir/many/an entry with a number, $nr"
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

	make_image image 96M -t ext4 -b "$block" -O encrypt,stable_inodes
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

make_source
for block in 4096 1024; do
	compare "$block"
	files=$(grep -c '^f' kernel.dump)
	[ "$files" -gt 2500 ] || fail "only $files files"
done
