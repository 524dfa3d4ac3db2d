#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Directories made and taken away, their blocks used for data that is not in the log.
. "${0%/*}/../lib/image.sh"

SIZE=16M
MKE2FS=(-t ext4 -b 1024 -J size=4)
FILL=(tree=3)
CHANGE()
{
	local round

	# Nearly full, so that blocks are used again at once.
	fallocate -l "$(($(stat -f -c %a "$1") * 1024 - 1500000))" "$1/ballast"
	for round in 1 2 3; do
		mkdir "$1/dirs"
		mkdir "$1/dirs"/{1..400}
		commit "$1"
		rm -r "$1/dirs"
		commit "$1"
		head -c 1300000 /dev/zero | tr '\0' "$round" >"$1/data$round"
		commit "$1"
		[ "$round" = 3 ] || rm "$1/data$round"
	done
	debugfs -R "logdump -a" image 2>/dev/null >log
	grep -qi revoke log || fail "no revoke block in the log"
}

dirty_image
compare_dirty
