# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests with encrypted directories and their key.

# shellcheck source=tests/lib/image.sh
. "$(dirname "${BASH_SOURCE[0]}")/image.sh"

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

# sorted_dump FILE ARGUMENT...: what cryptdump prints, in an order.
sorted_dump()
{
	local out=$1

	shift
	"$(tool image/cryptdump)" "$@" >dump || fail "cryptdump $* failed"
	LC_ALL=C sort dump >"$out"
}

# add_policies: a directory for each policy that the kernel takes here; their names are in ${encrypted[@]}.
add_policies()
{
	local name options

	encrypted=()
	while read -r name options; do
		mkdir "mnt/$name"
		# shellcheck disable=SC2086
		"$(tool image/mkencrypted)" $options "mnt/$name" >/dev/null || fail "no $name"
		encrypted+=("$name")
	done < <(policies)
}

# The kernel gets the key on a mount that has the directories already.
unlock()
{
	local name options

	while read -r name options; do
		[ -d "mnt/$name" ] || continue
		# shellcheck disable=SC2086
		"$(tool image/mkencrypted)" $options "mnt/$name" >/dev/null || fail "cannot unlock $name"
	done < <(policies)
}

# set_byte IMAGE INODE AT VALUE: a byte of the inode's context, which has the key's identifier, $id, at byte 8.
# Without checksums of inodes and with blocks of 4096 bytes.
set_byte()
{
	local image=$1 ino=$2 where block offset slot at

	where=$(debugfs -R "imap <$ino>" "$image" 2>/dev/null | sed -n 's/.*located at block //p')
	block=${where%%,*} offset=${where##*offset }
	slot=$((block * 4096 + offset))
	at=$(dd if="$image" bs=1 skip="$slot" count=256 status=none | xxd -p | tr -d '\n')
	at=${at%%"$id"*}
	[ "${#at}" -lt 512 ] || fail "inode $ino has no context"
	printf '%b' "\\x$4" | dd of="$image" bs=1 seek=$((slot + ${#at} / 2 - 8 + $3)) conv=notrunc status=none
}
