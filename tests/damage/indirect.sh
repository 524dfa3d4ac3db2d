#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged block pointers and indirect blocks.
. "${0%/*}/../lib/hurt.sh"

TYPE=ext2
seq 1000 >src/other
# with blocks of 1 KiB: 12 direct, 256 indirect, 65536 double, then triple
piece()
{
	seq 100 | dd of=src/victim bs=1024 seek="$1" conv=notrunc 2>/dev/null
}
for lblk in 0 100 1000 70000; do
	piece $lblk
done
build
pointers=$(($(inode_at /victim) + 40))
for level in 1 2 3; do
	ind[level]=$(number_at $((pointers + 4 * (11 + level))) 4)
done
ino=$(ino_of /victim)

read_at()
{
	dd if=mnt/victim bs=1024 skip="$1" count=1 status=none
}

# only_at LBLK PATTERN NAME CHANGE...: EUCLEAN there, the file's other pieces are right.
only_at()
{
	local lblk

	hurt "${@:3}"
	start
	gives EUCLEAN read_piece "$1"
	for lblk in 0 100 1000 70000; do
		[ "$lblk" = "$1" ] || equal "piece at $lblk" "$(seq 100)" "$(read_at $lblk | tr -d '\0')"
	done
	cmp src/other mnt/other
	stop "inode $ino: $2"
}

# gives() starts programs
cat >read_piece <<'END'
#!/bin/sh
exec dd if=mnt/victim bs=1024 skip="$1" count=1 iflag=direct status=none
END
chmod +x read_piece
PATH=$PWD:$PATH

for to in 4096 0xffffffff 1; do
	only_at 0 'block pointer outside the filesystem' "direct pointer to $to" $pointers:4=$to
	only_at 100 'indirect block outside' "indirect block at $to" $((pointers + 48)):4=$to
	only_at 1000 'indirect block outside' "double indirect block at $to" $((pointers + 52)):4=$to
	only_at 70000 'indirect block outside' "triple indirect block at $to" $((pointers + 56)):4=$to
	only_at 100 'block pointer outside' "pointer to $to" $((ind[1] * BS + 4 * 88)):4=$to
	only_at 1000 'indirect block outside' "indirect pointer to $to" $((ind[2] * BS + 4 * 2)):4=$to
done

# Blocks that name themselves: as deep as the level says, no further.
for level in 1 2 3; do
	block=${ind[level]}
	changes=()
	for ((i = 0; i < 256; i++)); do
		changes+=($((block * BS + 4 * i)):4="$block")
	done
	hurt "level $level names itself" "${changes[@]}"
	start
	for lblk in 100 1000 70000; do
		in_time read_piece $lblk
	done
	in_time stat mnt/victim
	cmp src/other mnt/other
	equal "the first piece" "$(seq 100)" "$(read_at 0 | tr -d '\0')"
	stop
done

# a file without holes as long as its size claims, all of it in one block
hurt "a file of 2^40 bytes" $((pointers - 40 + 4)):4=0 $((pointers - 40 + 0x6c)):4=256
start
in_time dd if=mnt/victim of=/dev/null bs=64k skip=1000000 count=2
cmp src/other mnt/other
stop
