#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is no image at all: one line, nothing mounted.
. "${0%/*}/../lib/damage.sh"

make_source
base -t ext4

# is_refused PATTERN FILE
is_refused()
{
	what=$2
	rm -rf image
	cp -a "$2" image
	not_mounted "$1"
}

: >empty
is_refused 'not an ext|empty|too small' empty
printf x >byte
is_refused 'not an ext|too small' byte
head -c 1024 base >kilobyte
is_refused 'not an ext|too small' kilobyte
head -c 1500 base >half-superblock
is_refused 'not an ext|too small|truncated|past' half-superblock
head -c 2048 base >superblock
is_refused 'truncated|end|short|larger' superblock
head -c 1M base >truncated
is_refused 'truncated|end|short|larger' truncated
head -c $(($(stat -c %s base) - 1024)) base >one-block-less
is_refused 'truncated|end|short|larger' one-block-less
head -c 1M /dev/urandom >random
is_refused 'not an ext' random
head -c 8M /dev/zero >zeros
is_refused 'not an ext' zeros
mkdir directory
is_refused 'directory' directory
mkfifo fifo
is_refused 'regular|device' fifo
ln -s nowhere dangling
is_refused 'No such file' dangling
rm -rf image
must_fail "$EXT4D" image mnt
must_say 'No such file'
# Longer than the filesystem is fine.
what="longer than the filesystem"
cp base image
truncate -s +5M image
changes
