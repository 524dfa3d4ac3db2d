#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mkseeds.sh FUZZ_MAIN OUTDIR: builds the seed corpus, small images of every feature, packed.
# Needs mke2fs, debugfs and e2fsck; no root.
set -eu

PATH=$PATH:/usr/sbin:/sbin
main=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

export MKE2FS_DETERMINISTIC=1
export DEBUGFS_PAGER=cat

# What most images hold.
mkdir tree tree/dir tree/dir/deeper
echo hello >tree/hello
printf '%0500d' 7 >tree/medium
dd if=/dev/zero of=tree/sparse bs=1k count=0 seek=400 status=none
for at in 0 3 4 13 280 300; do
	echo data | dd of=tree/sparse bs=1k seek="$at" conv=notrunc status=none
done
ln -s hello tree/fast
ln -s "$(printf '%0100d' 1)" tree/slow
mkfifo tree/fifo
ln tree/hello tree/dir/link
touch tree/dir/empty

# image NAME SIZE MKE2FS-ARGUMENT...
image()
{
	local name=$1 size=$2 type=(-t ext4)

	shift 2
	rm -f image
	truncate -s "$size" image
	[ "$1" != -t ] || type=()
	mke2fs -q -F "${type[@]}" -b 1024 -N 32 -m 0 "$@" image >log 2>&1 ||
		{ cat log >&2; echo "mkseeds: $name: mke2fs failed" >&2; exit 1; }
	current=$name
}

# debugfs commands from stdin
edit()
{
	debugfs -w -f - image >log 2>&1
}

keep()
{
	"$main" "${1:--p}" image "$out/$current${2:-}"
}

basics()
{
	edit <<-EOF
	ea_set hello user.name value
	ea_set -f tree/medium medium user.large
	ea_set dir user.on_dir x
	sif sparse flags 0x80000
	cd dir
	mknod null c 1 3
	mknod disk b 259 70000
	EOF
}

# acl NAME FILE: an access ACL on FILE, as ext4 stores it
acl()
{
	printf '\x01\0\0\0\x01\0\x06\0\x02\0\x07\0\xe8\x03\0\0\x04\0\x04\0\x10\0\x07\0\x20\0\0\0' >acl
	edit <<<"ea_set -f acl $1 system.posix_acl_access"
}

plain()
{
	image plain 256k -O ^has_journal -d tree
	basics
	acl hello
	keep
	keep -P -norecovery
	image no-csum 256k -O ^has_journal,^metadata_csum -d tree
	basics
	keep
	image gdt-csum 256k -O ^has_journal,^metadata_csum,uninit_bg -d tree
	keep
	image inode-128 256k -I 128 -O ^has_journal -d tree
	basics
	keep
	image inode-512 256k -I 512 -O ^has_journal -d tree
	basics
	keep
	image ext2 256k -t ext2 -O none,filetype,sparse_super,large_file,ext_attr -d tree
	basics
	keep
	image rev0 256k -t ext2 -r 0 -I 128 -d tree
	keep
	image ext3-dirindex 256k -t ext3 -O ^has_journal -d tree
	keep
}

geometry()
{
	image 64bit 300k -O ^has_journal,64bit -g 256 -d tree
	keep
	image no-flex 600k -O ^has_journal,^flex_bg,^resize_inode -g 256 -d tree
	keep
	image meta-bg 1200k -O ^has_journal,meta_bg,^resize_inode,64bit -g 256 -d tree
	keep
	image sparse-super2 900k -O ^has_journal,sparse_super2,^resize_inode -g 256 -d tree
	keep
	image bigalloc 512k -O ^has_journal,bigalloc -C 4096 -d tree
	keep
	image block-4k 512k -O ^has_journal -b 4096 -d tree
	basics
	keep
	image block-2k 256k -O ^has_journal -b 2048 -d tree
	keep
	image block-64k 4096k -O ^has_journal,^resize_inode -b 65536 -d tree
	keep
	image csum-seed 256k -O ^has_journal,metadata_csum_seed -d tree
	keep
	image quota-project 400k -I 256 -O ^has_journal,quota,project -d tree
	keep
	image orphan-file 2200k -O orphan_file -d tree
	keep
	image mmp 256k -O ^has_journal,mmp -d tree
	keep
}

# Trees of extents: many of one block with holes between them.
extents()
{
	local i

	image extents-deep 1100k -O ^has_journal,^resize_inode -N 16
	{
		echo "write /dev/null deep"
		echo "fallocate deep 0 799"
		echo "sif deep size 819200"
		for ((i = 1; i < 800; i += 2)); do
			echo "punch deep $i $i"
		done
		echo "write tree/hello after"
	} | edit
	keep
	image extents-shallow 256k -O ^has_journal -d tree
	edit <<-EOF
	write /dev/null two
	fallocate two 0 3
	fallocate two 10 13
	fallocate two 20 23
	fallocate two 1000 1001
	fallocate two 4294967290 4294967294
	sif two size 0xfffffffffff
	EOF
	keep
	image indirect 700k -O ^has_journal,^extent,^64bit -N 16
	{
		echo "write /dev/null deep"
		for i in 0 5 11 12 13 200 267 268 300 524 66000 70000; do
			echo "bmap -a deep $i"
		done
		echo "sif deep size 0x5000000"
	} | edit
	keep
}

# Directories of several blocks, with and without an index.
directories()
{
	local i name

	mkdir many
	: >many/file
	for ((i = 0; i < 60; i++)); do
		printf -v name '%0*d' $((i % 9 * 25 + 5)) "$i"
		ln many/file "many/$name"
	done
	for hash in legacy half_md4 tea; do
		image "htree-$hash" 200k -O ^has_journal -N 16 -d many
		tune2fs -E "hash_alg=$hash" image >/dev/null 2>&1
		e2fsck -fyD image >log 2>&1 || [ $? -le 1 ]
		keep
	done
	image linear 200k -O ^has_journal,^dir_index -N 16 -d many
	keep
	image no-filetype 200k -O ^has_journal,^filetype -N 16 -d many
	keep
	for ((i = 60; i < 520; i++)); do
		printf -v name '%0240d' "$i"
		ln many/file "many/$name"
	done
	image htree-2-levels 400k -O ^has_journal -N 16 -d many
	e2fsck -fyD image >log 2>&1 || [ $? -le 1 ]
	keep
	image htree-large-dir 400k -O ^has_journal,large_dir -N 16 -d many
	e2fsck -fyD image >log 2>&1 || [ $? -le 1 ]
	keep
}

inline_data()
{
	image inline-data 256k -O ^has_journal,inline_data -d tree
	basics
	keep
	image inline-data-1024 256k -I 1024 -O ^has_journal,inline_data -d tree
	basics
	keep
}

attributes()
{
	head -c 3000 /dev/zero | tr '\0' v >value
	image ea-inode 256k -O ^has_journal,ea_inode -d tree
	edit <<-EOF
	ea_set -f value hello user.large
	ea_set -f value dir user.large
	ea_set hello user.small x
	EOF
	keep
	image ea-block 256k -I 128 -O ^has_journal -d tree
	basics
	acl dir
	keep
}

# Flags only: names and contexts are whatever they are.
encrypted()
{
	printf '\x01\x01\x04\0ABCDEFGH0123456789abcdef' >context
	image encrypt 256k -O ^has_journal,encrypt,casefold -E encoding=utf8 -d tree
	edit <<-EOF
	sif dir flags 0x80800
	ea_set -f context dir c
	sif slow flags 0x80800
	sif fast flags 0x800
	sif hello flags 0x80800
	EOF
	keep
	image casefold 256k -O ^has_journal,casefold -E encoding=utf8 -d tree
	edit <<<"sif dir flags 0x40080000"
	keep
	# every other name goes, so that its neighbour has room for the hashes behind a name
	image encrypt-casefold 256k -O ^has_journal,encrypt,casefold -E encoding=utf8 -d tree
	{
		echo "mkdir hashed"
		echo "cd hashed"
		for name in aaa{0..9} bbbbbbbb{0..9}; do
			echo "ln /hello $name"
			echo "ln /hello gone$name"
		done
		for name in aaa{0..9} bbbbbbbb{0..9}; do
			echo "unlink gone$name"
		done
		echo "sif . flags 0x40080800"
	} | edit
	keep
}

# journal NAME JOURNAL_OPEN-ARGUMENT...: a log of two transactions and a revoke
journal()
{
	shift
	head -c 2048 /dev/zero | tr '\0' N >new
	# the block bitmap's and the inode table's neighbourhood as it is, so that metadata is replayed
	dd if=image of=meta bs=1k skip=1 count=3 status=none
	printf '\xc0\x3b\x39\x98' | dd of=escaped bs=1024 conv=sync status=none
	edit <<-EOF
	journal_open $*
	journal_write -b 900,901 new
	journal_write -b 1,2,3 meta
	journal_write -b 902 escaped
	journal_write -r 900
	journal_write -b 903,904 new
	journal_close
	EOF
	dumpe2fs -h image 2>/dev/null | grep -q needs_recovery ||
		{ cat log >&2; echo "mkseeds: $current: the journal is clean" >&2; exit 1; }
}

journals()
{
	local version

	image journal-clean 2200k -d tree
	keep
	image journal-none 2200k -O ^metadata_csum,^64bit -d tree
	journal journal-none
	keep
	keep -P -norecovery
	for version in 2 3; do
		image "journal-v$version" 2200k -d tree
		journal "journal-v$version" -c -v "$version"
		keep
	done
	image journal-indirect 2200k -t ext3 -d tree
	journal journal-indirect
	keep
	image fast-commit 4500k -J size=2 -O fast_commit,^resize_inode -d tree
	keep -f
	image fast-commit-no-csum 4500k -J size=2 -O fast_commit,^metadata_csum,^resize_inode -d tree
	keep -f
}

plain
geometry
extents
directories
inline_data
attributes
encrypted
journals
