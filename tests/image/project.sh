#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Project ids. They are set afterwards: a kernel without quota formats would not mount an
# image with this feature for writing.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 4096 -I 256)
FILL=(tree sizes flags)
SETUP()
{
	kumount "$1"
	debugfs -w -f - image >/dev/null 2>&1 <<-END
		feature project
		set_inode_field sizes/s1 projid 1
		set_inode_field sizes/s2 projid 65536
		set_inode_field sizes/s100 projid 4294967294
		set_inode_field tree projid 77
		set_inode_field tree flags 0x20080000
	END
	kmount image "$1" ro
	dump project.tree "$1"
	grep -q projid=4294967294 project.tree || fail "no project ids"
}

compare_image
