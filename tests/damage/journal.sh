#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Damaged journals: what holds is replayed, or the mount is refused and says how to read without.
. "${0%/*}/../lib/hurt.sh"

SIZE=8M
BS=1024
# A file of six blocks, old on disk; the log has new ones: two transactions.
head -c 6144 /dev/zero | tr '\0' o >src/file
seq 1000 >src/other
head -c 1024 /dev/zero | tr '\0' 1 >new1
head -c 1024 /dev/zero | tr '\0' 2 >new2
head -c 1024 /dev/zero | tr '\0' 3 >new3

# dirty CSUM-VERSION MKE2FS-ARGUMENT...: one transaction for each of the first three blocks
dirty()
{
	local i csum=

	[ "$1" = none ] || csum="-c -v $1"
	build "${@:2}"
	for i in 1 2 3; do
		printf '%s\n' "journal_open $csum" "journal_write -b $(block_of /file $((i - 1))) new$i" \
			journal_close >commands
		debugfs -w -f commands good >debugfs.log 2>&1
	done
	journal=$(block_at "<8>")
	start_jblk=$(od -An -tu4 --endian=big -j $((journal + 0x1c)) -N 4 good | tr -d ' ')
	equal "start of the log" 1 "$start_jblk"
	# descriptor, copy, commit; three times
	for i in 1 4 7; do
		descriptor[i / 3]=$(block_at "<8>" $i)
		copy[i / 3]=$(block_at "<8>" $((i + 1)))
		commit[i / 3]=$(block_at "<8>" $((i + 2)))
		equal "type at $i" 1 "$(be32_at $((descriptor[i / 3] + 4)))"
		equal "type behind the copy" 2 "$(be32_at $((commit[i / 3] + 4)))"
	done
}

be32_at()
{
	od -An -tu4 --endian=big -j "$1" -N 4 good | tr -d ' '
}

# What the file begins with: one letter for each of its blocks.
blocks()
{
	tr -s 'o0123' <mnt/file
}

# replays CONTENTS LOG-PATTERN...: mounts, and that much was replayed.
replays()
{
	start
	equal "blocks" "$1" "$(blocks)"
	stop "${@:2}"
	without_replay
}

# Without the journal it can be read whatever the journal says.
without_replay()
{
	start -o norecovery
	equal "blocks without the journal" o "$(blocks)"
	stop 'journal is not replayed'
}

refused_hinting()
{
	refused 'mount with -o norecovery'
	grep -q -- "$1" out || fail "not '$1': $(cat out)"
	without_replay
}

for version in none 2 3; do
	echo "=== checksums $version"
	if [ $version = none ]; then
		dirty none -O ^metadata_csum
	else
		dirty $version
	fi
	hurt "good"
	replays 123o 'replayed into memory: 3 transactions, 3 blocks'

	# the superblock
	hurt "superblock: magic" $journal:b4=0
	refused_hinting 'no journal superblock'
	hurt "superblock: version" $((journal + 4)):b4=7
	refused_hinting 'version'
	hurt "superblock: block size" $((journal + 0x0c)):b4=4096
	refused_hinting 'block size'
	hurt "superblock: longer than the file" $((journal + 0x10)):b4=0xffffffff
	refused_hinting 'longer than'
	hurt "superblock: too short" $((journal + 0x10)):b4=8
	refused_hinting 'too few blocks'
	hurt "superblock: first block 0" $((journal + 0x14)):b4=0
	refused_hinting 'no room'
	hurt "superblock: first block past the end" $((journal + 0x14)):b4=0x7fffffff
	refused_hinting 'no room'
	hurt "superblock: start past the end" $((journal + 0x1c)):b4=0x7fffffff
	refused_hinting "log's start"
	hurt "superblock: unknown feature" $((journal + 0x28)):b4=0x80000000
	refused_hinting 'unknown features'
	hurt "superblock: unknown read-only feature" $((journal + 0x2c)):b4=1
	refused_hinting 'unknown features'
	hurt "superblock: errno" $((journal + 0x20)):b4=0xfffffffb
	replays 123o

	# the journal's inode
	inode=$(inode_at "<8>")
	hurt "inode: not a file" $inode:2=0x41ed
	refused_hinting 'journal inode 8 cannot be used'
	hurt "inode: no links" $((inode + 0x1a)):2=0
	refused_hinting 'journal inode 8 cannot be used'
	hurt "inode: short" $((inode + 4)):4=2048
	refused_hinting 'longer than'
	hurt "inode: a hole at the beginning" $((inode + 42)):2=0
	refused_after 'inode 8: journal block 0 is a hole' 'mount with -o norecovery'
	without_replay
	hurt "inode: past the end" $((inode + 60)):4=0x7fffffff
	refused_after 'inode 8: extent outside' 'mount with -o norecovery'
	without_replay
	hurt "a journal of another file" $((1024 + 0xe0)):4="$(ino_of /other)"
	refused_hinting 'no journal superblock'
	hurt "a journal inode that is not there" $((1024 + 0xe0)):4=0x7fffffff
	refused_hinting 'journal inode 2147483647 cannot be used'

	# the log ends where it makes no sense
	hurt "descriptor: magic" ${descriptor[1]}:b4=0
	replays 1o
	hurt "descriptor: transaction" $((descriptor[1] + 8)):b4=77
	replays 1o
	hurt "commit: missing" ${commit[1]}:b4=0
	replays 1o
	hurt "first descriptor: missing" ${descriptor[0]}:b4=0
	replays o

	# a block that is none of the filesystem's: that one is lost, the others are not
	hurt "tag: outside the filesystem" $((descriptor[1] + 12)):b4=0x7fffffff
	replays 1o3o 'journal: transaction [0-9]+ has a damaged copy of block 2147483647'
done

# Checksums. A damaged commit ends the log there. A damaged descriptor followed by a good commit
# is no interrupted write: then nothing of the log is trusted.
hurt_only "superblock: checksum" $((journal + 0x1c)):b4=2
refused_hinting 'bad superblock checksum'
hurt_only "descriptor: checksum" $((descriptor[1] + BS - 4)):b4=7
replays o 'journal: bad checksum in transaction 2' 'journal: damaged, 0 blocks replayed'
hurt_only "commit: checksum" $((commit[1] + 16)):b4=7
replays 1o 'journal: transaction 2 is damaged'
hurt_only "copy: checksum" $((copy[1] + 100)):1=65
replays 1o3o 'journal: transaction 2 has a damaged copy of block'

# A hole behind the first transaction, or in it: nothing of the log is trusted. The extent that
# holds the block ends before it.
hole_at()
{
	local root from entry

	root=$(($(inode_at "<8>") + 40))
	for ((entry = root + 12 * $(number_at $((root + 2)) 2); entry > root; entry -= 12)); do
		from=$(number_at $entry 4)
		[ "$from" -ge "$1" ] || break
	done
	hurt "a hole from journal block $1 on" $((entry + 4)):2=$(($1 - from))
}
hole_at 4
replays o 'inode 8: journal block 4 is a hole' 'journal: damaged'
hole_at 3
replays o 'inode 8: journal block 3 is a hole' 'journal: damaged'
