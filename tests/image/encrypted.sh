#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Encrypted directories without their key: encoded names, no contents.
. "${0%/*}/../lib/image.sh"

SIZE=64M
MKE2FS=(-t ext4 -b 4096 -O encrypt,stable_inodes)
FILL=(tree)
SETUP()
{
	local dir

	mkdir "$1/v2" "$1/v1" "$1/v2/plain"
	rmdir "$1/v2/plain"
	"$(tool image/mkencrypted)" "$1/v2"
	"$(tool image/mkencrypted)" -1 "$1/v1"
	for dir in v1 v2; do
		"$(tool image/fill)" "$1/$dir" tree sizes types links lxattrs xattrs=700 bigdir=1200
		fill_short_names "$1/$dir"
	done
}

# An encrypted name takes up to 255 bytes as well, an encrypted target 2 more than the plain one.
fill_short_names()
{
	local len name

	mkdir "$1/names"
	for len in 1 15 16 17 31 32 33 100 127 128 143 144 145 149 160 161 177 200 254 255; do
		name=$(printf "%0${len}d" 7)
		echo "$len" >"$1/names/$name"
		ln -s "$name" "$1/names/l$len"
	done
}

build_image
kumount mnt
kernel_view image
! grep -q '^./v.*/sizes/s100' kernel.tree || fail "the kernel still has the key"
grep -q 'error open ENOKEY' kernel.tree || fail "the kernel opens encrypted files"
view ext4d image
same_text kernel.tree ext4d.tree "the trees differ (< kernel, > ext4d)"
