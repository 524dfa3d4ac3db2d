#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Asynchronous direct writes and the page cache are one file, on any transport (tests/mount/io-uring.sh).
. "${0%/*}/../lib/test.sh"

need_root
make_image image 64M -t ext4
emount image mnt -o rw
"$(tool mount/mixed)" mnt/file 10 || fail "the page cache keeps what was overwritten"
eumount mnt
judge image
