#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fakeroot, uid= and gid=.
. "${0%/*}/../lib/test.sh"

need_root
mkdir src
echo a >src/a
chown 1000:2000 src/a
chmod 600 src/a
make_image image 8M -d src

# owner EXPECTED OPTIONS
owner()
{
	emount image mnt -o "$2"
	equal "owner with $2" "$1" "$(stat -c %u:%g mnt/a)"
	eumount mnt
}

owner 1000:2000 ro
owner 0:0 fakeroot
owner 77:2000 uid=77
owner 1000:88 gid=88
owner 77:88 uid=77,gid=88
owner 77:0 fakeroot,uid=77
