#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage of users, groups and projects is counted; e2fsck compares. Kernels without quota cannot
# write there: the one that is compared with writes to the same image without.
# Time limit: 300
. "${0%/*}/../lib/diff.sh"

SIZE=1G
MKE2FS=(-t ext4 -I 256 -O quota,project -E quotatype=usrquota:grpquota:prjquota -N 65536)
SEEDS=(151)
KERNEL_TWEAK()
{
	tune2fs -O ^quota "$1" >/dev/null
}

diff_images
