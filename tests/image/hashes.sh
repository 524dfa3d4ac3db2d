#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every hash of indexed directories, over signed and over unsigned bytes.
. "${0%/*}/../lib/image.sh"

SIZE=32M
MKE2FS=(-t ext4 -b 1024)
FILL=(names bigdir=1500)
TWEAK()
{
	tune2fs -E hash_alg="$alg" "$1" >/dev/null
	debugfs -w -R "set_super_value flags $sign" "$1" 2>/dev/null
}

for alg in legacy half_md4 tea; do
	for sign in 1 2; do
		compare_image
		dumpe2fs -h image 2>/dev/null | has "hash:.*$alg" || fail "hash is not $alg"
		dumpe2fs -h image 2>/dev/null | grep -i 'hash\|flags' | tr -s ' ' | tr '\n' ' '
		echo
	done
done
