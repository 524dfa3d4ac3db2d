#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A truncation of an encrypted file that a crash cut short is finished at the next mount, when nobody has the key:
# the file has its new length and its first bytes, the blocks behind are free.
. "${0%/*}/../lib/encrypted.sh"

need_loop
need_tool debugfs e2fsck

# Without checksums, as debugfs makes the orphan.
make_image image 32M -t ext4 -b 4096 -O encrypt,^metadata_csum,^orphan_file
kmount image mnt
mkdir mnt/dir
"$(tool image/mkencrypted)" mnt/dir >/dev/null
head -c 200000 /dev/urandom >data
cp data mnt/dir/file
ino=$(stat -c %i mnt/dir/file)
kumount mnt
debugfs -w -R "sif <$ino> size 5000" image 2>/dev/null
debugfs -w -R "ssv last_orphan $ino" image 2>/dev/null
cp image kernel.image
kmount kernel.image mnt
kumount mnt

emount image mnt -o rw
eumount mnt
judge image
[ "$(dumpe2fs -h image 2>/dev/null | grep '^Free blocks')" = "$(dumpe2fs -h kernel.image 2>/dev/null | grep '^Free blocks')" ] ||
	fail "not as many blocks are free as in the kernel"
for name in image kernel.image; do
	kmount "$name" mnt
	"$(tool image/mkencrypted)" mnt/dir >/dev/null
	cmp -n 5000 data mnt/dir/file || fail "$name: other contents"
	[ "$(stat -c %s mnt/dir/file)" = 5000 ] || fail "$name: another size"
	kumount mnt
done
