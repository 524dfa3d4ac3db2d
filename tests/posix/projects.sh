#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names across project ids: ext4_link(), ext4_rename2() and ext4_cross_rename() in the kernel say what comes
# out. Not compared, as kernels without quota do not write to such an image.
. "${0%/*}/../lib/posix.sh"

need_root
make_image image 64M -t ext4 -b 4096 -O quota,project -E quotatype=prjquota
emount image mnt -o rw
"$(tool posix/look)" mnt projects >seen
eumount mnt
judge image
diff - seen <<-'END' || fail "differs (< kernel, > ext4d)"
	topic projects
	set 7 = 0
	set 8 = 0
	set 7 without inheritance = 0
	project of p7/f = 7
	project of p7/d = 7 inherited
	project of p7/p = ENOTTY
	project of plain7/f = 0
	link 7 to 8 = EXDEV
	link 7 to none = 0
	link none to 8 = EXDEV
	link 7 to 7 without inheritance = 0
	rename 7 to 8 = EXDEV
	rename none to 8 = EXDEV
	rename a directory none to 8 = EXDEV
	rename 7 to none = 0
	rename a symlink 7 to 8 = EXDEV
	rename a fifo 7 to 8 = EXDEV
	link a symlink 7 to 8 = EXDEV
	exchange 7 and none = EXDEV
	exchange none and 7 = EXDEV
	project of none/g = 7
	set 3 by another = EPERM
	set 3 by the owner = 0
	link an O_TMPFILE of 7 to 8 = EXDEV
	link an O_TMPFILE of 7 to 7 = 0
END
