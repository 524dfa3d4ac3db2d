#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that were unlinked while open, in the list of the superblock and in a file.
. "${0%/*}/../lib/image.sh"

SIZE=32M
FILL=(tree)
CHANGE()
{
	local fd i

	held=()
	for i in {1..30}; do
		head -c $((i * 1000)) /dev/zero >"$1/orphan$i"
		exec {fd}<"$1/orphan$i"
		rm "$1/orphan$i"
		held+=("$fd")
	done
	commit "$1"
}

# Called once ./dirty has been copied.
LET_GO()
{
	local fd

	for fd in "${held[@]}"; do
		exec {fd}<&-
	done
}

for feature in ^orphan_file orphan_file; do
	MKE2FS=(-t ext4 -b 1024 -O "$feature")
	dirty_image
	compare_dirty
done
