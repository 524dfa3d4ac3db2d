#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File data by the kernel itself: on kernels that do not offer it nothing is different, and iomap=on says why.
. "${0%/*}/../lib/test.sh"

[ ! -e /sys/module/fuse/parameters/enable_iomap ] || skip "this kernel may have iomap"

small_image image
mkdir mnt

for option in '' iomap=auto iomap=off; do
	"$EXT4D" image mnt -o "rw${option:+,$option}" 2>err || fail "does not mount with '$option': $(cat err)"
	! grep -q iomap err || fail "'$option' says: $(cat err)"
	equal "a file with '$option'" hello "$(cat mnt/hello)"
	echo "$option" >mnt/written
	"$EXT4D" --unmount mnt
	"$EXT4D" image mnt -o ro,iomap=off 2>err
	equal "what was written with '$option'" "$option" "$(cat mnt/written)"
	"$EXT4D" --unmount mnt
done

# One line at -d, on what is missing; no loop device is taken for nothing.
"$EXT4D" -d image mnt -o ro 2>err &
server=$!
wait_until 10 is_mounted mnt || fail "does not mount at -d: $(cat err)"
equal "lines about iomap at -d" 1 "$(grep -c 'no iomap: this kernel does not have it' err)"
"$EXT4D" --unmount mnt
wait "$server" || fail "ends with $?"

status=0
"$EXT4D" image mnt -o iomap=on 2>err || status=$?
equal "exit status of iomap=on" 32 "$status"
grep -q 'no iomap: this kernel does not have it' err || fail "iomap=on says: $(cat err)"
equal "lines of iomap=on" 1 "$(grep -c iomap err)"
! is_mounted mnt || fail "mounted after all"
judge image

status=0
"$EXT4D" image mnt -o iomap=perhaps 2>err || status=$?
equal "exit status of iomap=perhaps" 1 "$status"
grep -q 'iomap: "perhaps" is not auto, on or off' err || fail "iomap=perhaps says: $(cat err)"
