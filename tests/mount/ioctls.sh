#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flags, generation, project, label through ioctl(2), as the kernel gives them.
. "${0%/*}/../lib/image.sh"

need_loop
probe=$(tool mount/probe)
make_image image 32M -t ext4 -L "a label 16 bytes"
kmount image mnt
"$(tool image/fill)" mnt flags sizes
kumount mnt
list()
{
	lsattr -R -a -v mnt 2>&1 | sort
	lsattr -R -p mnt 2>&1 | sort
}
kmount image mnt ro
list >kernel.list
ioctls=$("$probe" ioctls mnt/sizes/s100; "$probe" ioctls mnt/sizes)
kumount mnt
emount image mnt
list >ext4d.list
equal "ioctls" "$ioctls" "$("$probe" ioctls mnt/sizes/s100; "$probe" ioctls mnt/sizes)"
eumount mnt
same_text kernel.list ext4d.list "lsattr differs (< kernel, > ext4d)"
