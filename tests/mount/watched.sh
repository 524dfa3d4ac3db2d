#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A directory that others look at while it changes shows thereafter what it is. tests/mount/io-uring.sh
# does the same.
. "${0%/*}/../lib/test.sh"

need_root
make_image image 64M -t ext4
mkdir mnt
emount image mnt -o rw
"$(tool mount/watched)" mnt 5000 || fail "attributes stay old"
eumount mnt
