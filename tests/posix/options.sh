#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mount options that decide: nodev, nosuid, noexec, which access times move, what statfs counts; the
# largest count of links.
# Time limit: 300
. "${0%/*}/../lib/posix.sh"

posix_images 64M -t ext4 -b 4096
n=0
for POSIX_OPTIONS in rw,nodev,nosuid rw,noexec rw,noatime rw,strictatime rw,nodiratime rw,lazytime rw,minixdf; do
	for where in kernel engine; do
		echo "options: $POSIX_OPTIONS = $n" >>$where.lines
	done
	case $POSIX_OPTIONS in
	*minixdf) topics="statfs" ;;
	*nodev* | *noexec) topics="devices exec sockets" ;;
	*) topics="times" ;;
	esac
	# shellcheck disable=SC2086
	posix_look $topics
	posix_clean
	n=$((n + 1))
done
posix_compare

# Links at their limit: told to the image, as 65000 of them take long to make.
posix_images 64M -t ext4 -b 4096
POSIX_OPTIONS=rw
kmount kernel.img kernel
echo text >kernel/many
mkdir kernel/manydir
kumount kernel
debugfs -w -f - kernel.img >/dev/null 2>&1 <<-END
	set_inode_field many links_count 64998
	set_inode_field manydir links_count 64998
END
cp --sparse=always kernel.img engine.img
posix_look link-limit
POSIX_NO_JUDGE=1
posix_compare
