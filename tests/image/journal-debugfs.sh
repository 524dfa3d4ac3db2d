#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Journals written by debugfs: no checksums, version 2, version 3; each with a revoked block.
. "${0%/*}/../lib/image.sh"

SIZE=16M
FILL=(sizes)
head -c 4096 /dev/zero | tr '\0' N >new
head -c 4096 /dev/zero | tr '\0' R >revoked

# journal OPEN-ARGUMENT...: puts blocks of three files into the log and revokes one of them.
journal()
{
	local a b c

	a=$(debugfs -R "blocks /sizes/s65536" image 2>/dev/null | cut -d' ' -f2)
	b=$(debugfs -R "blocks /sizes/s65537" image 2>/dev/null | cut -d' ' -f3)
	c=$(debugfs -R "blocks /sizes/s131072" image 2>/dev/null | cut -d' ' -f4)
	printf '%s\n' "journal_open $*" "journal_write -b $a new" "journal_write -b $c revoked" \
		"journal_write -b $b new" "journal_write -r $c" journal_close >commands
	debugfs -w -f commands image >debugfs.log 2>&1
	dumpe2fs -h image 2>/dev/null | has needs_recovery || fail "the journal is clean"
}

for version in none 2 3; do
	for width in 64bit ^64bit; do
		MKE2FS=(-t ext4 -b 4096 -O "$width")
		[ "$version" != none ] || MKE2FS=(-t ext4 -b 4096 -O "$width,^metadata_csum")
		build_image
		kumount mnt
		case $version in
		none) journal ;;
		*) journal -c -v "$version" ;;
		esac
		mv image dirty
		compare_dirty
		rm -f image dirty replayed
	done
done
