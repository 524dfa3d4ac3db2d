#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the command line takes, and how it says no.
. "${0%/*}/../lib/test.sh"

small_image image
mkdir mnt

# refused PATTERN ARGUMENT...: one line that matches, exit status 1 or 32, nothing mounted.
refused()
{
	local pattern=$1 status=0

	shift
	"$EXT4D" "$@" >out 2>&1 </dev/null || status=$?
	[ "$status" != 0 ] || fail "taken: $*"
	[ "$status" -lt 128 ] || fail "ended by a signal: $*"
	must_say "$pattern"
	! is_mounted mnt || fail "refused and mounted: $*"
}

refused 'norecovery' image mnt -o rw,norecovery
refused 'nosuchoption' image mnt -o nosuchoption
refused 'nosuchoption' image mnt -o ro,nosuchoption=5,minixdf
refused 'offset' image mnt -o offset
refused 'offset' image mnt -o offset=
refused 'offset' image mnt -o offset=12z
refused 'offset' image mnt -o offset=-1
refused 'offset' image mnt -o offset=99999999999999999999999
refused 'offset|past|end' image mnt -o offset=1G
refused 'not an ext' image mnt -o offset=1k
refused 'partition' image mnt -o partition=
refused 'partition' image mnt -o partition=7
refused 'uid' image mnt -o uid=x
refused 'gid' image mnt -o gid=-5
refused 'uid' image mnt -o uid=4294967296
refused 'cache' image mnt -o cache=lots
refused 'ro' image mnt -o ro=5
refused 'usage' image
refused 'usage'
refused 'usage' image mnt more
refused 'unknown option' image mnt --nosuchoption
refused '-o' image mnt -o
refused 'No such file' missing mnt
refused 'No such file' image missing
refused 'ot a directory' image image
refused 'directory' mnt mnt
refused 'neither|not' /dev/null mnt
refused 'usage' --unmount
refused 'not|mount' --unmount mnt
refused 'No such file' --unmount missing

# taken OPTIONS...: mounted and readable with them.
taken()
{
	emount image mnt "$@"
	equal "contents with $*" hello "$(cat mnt/hello)"
	grep -q " $WORK/mnt fuse.ext4d ro," /proc/self/mounts || fail "not a read-only fuse.ext4d mount"
	eumount mnt
}

taken
taken -o ro
taken -oro
taken -o ro -o minixdf
taken -o ro,noatime,nosuid,nodev
taken -o offset=0
taken -o bsddf,norecovery,noload,acl,no_default_opts
taken -o errors=remount-ro,cache=16M,user_xattr,defaults
taken -o fsname=other,subtype=ext4d
if [ "$(id -u)" = 0 ]; then
	taken -o allow_other,default_permissions
fi
taken -o rw,ro
cp image writable
emount writable mnt -o ro,rw
grep -q " $WORK/mnt fuse.ext4d rw," /proc/self/mounts || fail "not a writable fuse.ext4d mount"
eumount mnt
chmod a-w writable
if [ "$(id -u)" != 0 ]; then
	refused 'write-protected, but -o rw' writable mnt -o rw
fi
"$EXT4D" --version | has '^ext4d [0-9]' || fail "no version"
"$EXT4D" --help | has '^usage: ext4d ' || fail "no help"
"$EXT4D" --help >help
for option in offset= partition= norecovery fakeroot uid= gid= minixdf; do
	grep -q -- "$option" help || fail "--help does not know $option"
done
! grep -q '.\{81\}' help || fail "--help is wider than 80 columns"
