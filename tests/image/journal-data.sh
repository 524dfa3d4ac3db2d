#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Data in the journal, among it blocks that look like journal blocks.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 1024)
FILL=(tree)
JOPTIONS=data=journal
CHANGE()
{
	local i

	# Its first bytes are the magic number of a journal block, which must not stand in the log.
	for i in {1..20}; do
		printf '\300\073\071\230block %050d' "$i" >"$1/magic$i"
		head -c 5000 "$1/magic$i" /dev/zero >>"$1/file$i" 2>/dev/null || true
	done
	commit "$1"
	# Metadata and journaled data go, and their blocks come back with other contents.
	mkdir "$1/dirs"
	mkdir "$1/dirs"/{1..200}
	commit "$1"
	rm -r "$1/dirs" "$1"/file*
	commit "$1"
	for i in {1..200}; do
		printf 'again %05000d' "$i" >"$1/again$i"
	done
	commit "$1"
	debugfs -R "logdump -a" image 2>/dev/null >log
	grep -q 'flags 0x[13])' log || fail "no escaped block in the log"
}

dirty_image
compare_dirty
