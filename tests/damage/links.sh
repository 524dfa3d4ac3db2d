#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Damaged symlinks, short and long.
. "${0%/*}/../lib/hurt.sh"

mkdir src/links
ln -s keep/file src/links/fast
ln -s keep/file src/links/other
ln -s "$(printf 'long/%.0s' {1..30})" src/links/slow

# link_case LINK ERROR PATTERN NAME CHANGE...
link_case()
{
	hurt "${@:4}"
	start
	gives "$2" cat "mnt/links/$1"
	in_time ls -l mnt/links
	in_time readlink "mnt/links/$1"
	[ ! -s text ] || fail "a target: $(cat text)"
	equal "the other link" keep/file "$(readlink mnt/links/other)"
	ls -f mnt/links >text
	lists links fast slow other
	stop "inode $ino: $3"
}

for feature in metadata_csum ^metadata_csum; do
	echo "=== $feature"
	build -O "$feature"
	ino=$(ino_of /links/fast)
	inode=$(inode_at /links/fast)
	link_case fast EUCLEAN 'symlink of 0 bytes' "fast: empty" $((inode + 4)):4=0
	for size in 60 61 1023; do
		link_case fast EUCLEAN "fast symlink of $size bytes" "fast: size $size" \
			$((inode + 4)):4=$size
	done
	link_case fast EUCLEAN 'symlink of' "fast: size 2^32 - 1" $((inode + 4)):4=0xffffffff
	link_case fast EUCLEAN 'symlink target shorter than its 9 bytes' "fast: NUL inside" \
		$((inode + 40 + 4)):1=0
	link_case fast EUCLEAN 'symlink target shorter than its 40 bytes' "fast: size past its end" \
		$((inode + 4)):4=40
	link_case fast EUCLEAN 'extent header|symlink' "fast: as if slow" \
		$((inode + 0x1c)):4=2 $((inode + 0x20)):4=0x80000

	ino=$(ino_of /links/slow)
	inode=$(inode_at /links/slow)
	block=$(block_at /links/slow)
	link_case slow EUCLEAN 'symlink of 0 bytes' "slow: empty" $((inode + 4)):4=0
	link_case slow EUCLEAN 'symlink of 4096 bytes' "slow: size 4096" \
		$((inode + 4)):4=4096
	link_case slow EUCLEAN 'symlink of 4294967295 bytes' "slow: size 2^32 - 1" \
		$((inode + 4)):4=0xffffffff
	link_case slow EUCLEAN 'symlink target shorter than its 150 bytes' "slow: NUL inside" \
		$((block + 7)):1=0
	link_case slow EUCLEAN 'symlink target shorter than its 4095 bytes' "slow: size past its end" \
		$((inode + 4)):4=4095
	link_case slow EUCLEAN 'extent outside' "slow: block outside" \
		$((inode + 60)):4=0x7fffffff
	link_case slow EUCLEAN 'fast symlink of 150 bytes' "slow: as if fast" $((inode + 0x1c)):4=0
done
