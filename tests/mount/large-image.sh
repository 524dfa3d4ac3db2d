#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounting takes no longer and no more memory for 16 TiB than for 1 GiB, for reading or writing.
# Alone
. "${0%/*}/../lib/test.sh"

need_root
# Files with bitmaps and groups in use are made by the other tests; here only the size counts.
make_image small 1G -t ext4 -E lazy_itable_init=1
make_image large 16383G -t ext4 -E lazy_itable_init=1 -O ^resize_inode,meta_bg -i 67108864

# measure IMAGE OPTION: prints the median of 9 mounts in microseconds, and the most memory in KiB.
measure()
{
	local times=() start end rss=0 now

	for _ in 1 2 3 4 5 6 7 8 9; do
		start=${EPOCHREALTIME/./}
		"$EXT4D" "$1" mnt -o "$2"
		ls mnt >/dev/null
		end=${EPOCHREALTIME/./}
		# memory is that of writing, too
		[ "$2" != rw ] || { mkdir mnt/dir && echo text >mnt/dir/file && rm -r mnt/dir; }
		times+=($((end - start)))
		now=$(awk '/^VmHWM:/ { print $2 }' "/proc/$(server_of "$1")/status")
		[ "$now" -le "$rss" ] || rss=$now
		"$EXT4D" --unmount mnt
	done
	printf '%s\n' "${times[@]}" | sort -n | sed -n 5p
	echo "$rss"
}

mkdir mnt
for option in ro rw; do
	{ read -r small_time; read -r small_rss; } < <(measure small $option)
	{ read -r large_time; read -r large_rss; } < <(measure large $option)
	echo "$option: 1 GiB: $small_time us, $small_rss KiB; 16 TiB: $large_time us, $large_rss KiB"
	[ "$large_time" -lt 50000 ] || fail "16 TiB take $large_time us to mount $option"
	[ "$large_rss" -lt 32768 ] || fail "16 TiB take $large_rss KiB to mount $option"
	[ "$large_time" -lt $((2 * small_time + 10000)) ] || fail "16 TiB take longer than 1 GiB $option"
done
