#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File handles, as an NFS server keeps them, outlive every cache and the mount.
. "${0%/*}/../lib/image.sh"

need_loop
probe=$(tool mount/probe)
make_image image 32M -t ext4
kmount image mnt
"$(tool image/fill)" mnt tree sizes
kumount mnt
emount image mnt
first=$("$probe" handle mnt/sizes/s100; "$probe" handle mnt/tree/bush1/f3; "$probe" handle mnt/tree)
eumount mnt
emount image mnt
second=$("$probe" handle mnt/sizes/s100; "$probe" handle mnt/tree/bush1/f3; "$probe" handle mnt/tree)
eumount mnt
equal "handles after a new mount" "$first" "$second"
