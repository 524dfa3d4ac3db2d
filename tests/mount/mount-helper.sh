#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What mount(8) and umount(8) find below /sbin: `mount -t fuse.ext4d`, lines of fstab, umount that waits.
# Time limit: 240
. "${0%/*}/../lib/test.sh"
# shellcheck source=tests/lib/apart.sh
. "$TOP/tests/lib/apart.sh"

need_loop
need_tool mount umount unshare
grep -qw overlay /proc/filesystems || skip "needs overlayfs, to add to /sbin for this test alone"
self=$TOP/tests/mount/mount-helper.sh
[ "${APART:-}" = "$self" ] || apart "$self"
drop_copies

# /sbin as `make install` makes it, for this mount namespace only.
sbin=$(realpath /sbin)
mkdir over
mount -t tmpfs over over
mkdir over/upper over/work mnt
mount -t overlay -o "lowerdir=$sbin,upperdir=over/upper,workdir=over/work" overlay "$sbin"
for name in mount.fuse.ext4d mount.ext4d umount.fuse.ext4d; do
	ln -sf "$(realpath "$EXT4D")" "$sbin/$name"
done

# mounted ACCESS: by mount(8), readable.
mounted()
{
	is_mounted mnt || fail "not mounted"
	equal contents hello "$(cat mnt/hello)"
	grep -q " $WORK/mnt fuse.ext4d $1," /proc/self/mounts || fail "not $1: $(cat /proc/self/mounts)"
}

# gone IMAGE: after umount(8) nobody has it any more.
gone()
{
	! is_mounted mnt || fail "still mounted"
	! server_of "$1" >/dev/null || fail "umount(8) did not wait for the server"
}

# mount_with ARGUMENT...: mount(8), whose server keeps nothing of ours.
mount_with()
{
	mount "$@" || fail "mount $* ended with $?"
}

small_image image
cp image fresh
for type in fuse.ext4d ext4d; do
	mount_with -t "$type" image mnt
	mounted rw
	umount mnt
	gone image
done

# A hundred turns of it: the next mount finds the image free.
for i in $(seq 20); do
	mount_with -t fuse.ext4d image mnt
	echo "$i" >mnt/turn
	umount mnt
done
judge image
equal "the last turn" 20 "$(debugfs -R 'cat turn' image 2>/dev/null)"

mount_with -t fuse.ext4d -o ro image mnt
mounted ro
umount mnt
mount_with -r -v -n -t fuse.ext4d image mnt >verbose
mounted ro
umount mnt

# What only mount(8) looks at is taken and dropped, the rest goes where it belongs.
mount_with -t fuse.ext4d -o user,noauto,nofail,_netdev,x-systemd.automount,comment=x,noatime,minixdf image mnt
mounted rw,nosuid,nodev,noexec
umount mnt
must_fail mount -t fuse.ext4d -o nosuchoption image mnt
must_say 'nosuchoption'
mount_with -s -t fuse.ext4d -o nosuchoption,ro image mnt
mounted ro
umount mnt
mount_with -f -t fuse.ext4d image mnt
! is_mounted mnt || fail "mount --fake mounts"

# Remounted: read-only and back, which the kernel does; what was written is on disk then.
mount_with -t fuse.ext4d -o commit=3600 image mnt
echo before >mnt/remount
exec 8>mnt/hello
must_fail mount -o remount,ro mnt
has busy <out || fail "a file open for writing is no obstacle: $(cat out)"
exec 8>&-
echo hello >mnt/hello
mount_with -o remount,ro mnt
mounted ro
must_fail touch mnt/new
has 'Read-only file system' <out || fail "not read-only: $(cat out)"
equal "on disk after remount,ro" before "$(debugfs -R 'cat remount' image 2>/dev/null)"
mount_with -o remount,rw,noexec,nosuid mnt
mounted rw,nosuid,noexec
echo after >mnt/remount
mount_with -o remount,rw,commit=10 mnt 2>warning
has 'commit=10' <warning || fail "no warning: $(cat warning)"
umount mnt
judge image
equal "written after remount,rw" after "$(debugfs -R 'cat remount' image 2>/dev/null)"
mount_with -t fuse.ext4d -o ro image mnt
must_fail mount -o remount,rw mnt
has 'only reads' <out || fail "remount,rw of a reader: $(cat out)"
mounted ro
umount mnt
must_fail "$EXT4D" image mnt -o remount,ro
must_say 'remount'

# A line of fstab, by either of its names.
echo "$WORK/image $WORK/mnt fuse.ext4d ro,noauto,x-test=1 0 0" >fstab
mount --bind fstab /etc/fstab
mount_with mnt
mounted ro
umount "$WORK/mnt"
mount_with "$WORK/image"
mounted ro
umount "$WORK/image"
gone image

# A block device, and mount(8)'s own loop devices, which go with the mount.
loop=$(losetup -f --show image)
mount_with -t fuse.ext4d "$loop" mnt
mounted rw
umount "$loop"
gone "$loop"
losetup -d "$loop"
cp fresh looped
mount_with -t fuse.ext4d -o loop looped mnt
mounted rw
umount mnt
wait_until 5 eval '! losetup -n -O BACK-FILE | grep -q "$WORK/looped"' || fail "the loop device is left"

# An image that cannot be written is mounted read-only, as mount(8) does it with the kernel's.
loop=$(losetup -r -f --show image)
mount_with -t fuse.ext4d "$loop" mnt 2>warning
mounted ro
has 'read-only' <warning || fail "no warning: $(cat warning)"
umount mnt
losetup -d "$loop"

# umount -l returns although someone is there, and the server ends with him.
mount_with -t fuse.ext4d image mnt
server=$(server_of image)
exec 8<mnt/hello
must_fail umount mnt
umount -l mnt
! is_mounted mnt || fail "umount -l: still mounted"
equal "the file that was open" hello "$(cat <&8)"
exec 8<&-
wait_until 10 is_gone "$server" || fail "umount -l: the server is left"

# Who unmounts one of two places, or what another namespace has too, does not wait for the server.
mount_with -t fuse.ext4d image mnt
mkdir bind
touch bound
mount --bind mnt bind
mount --bind mnt/hello bound
timeout 5 umount bound || fail "umount of a bound file ended with $?"
timeout 5 umount mnt || fail "umount of one of two mounts ended with $?"
equal "the other mount" hello "$(cat bind/hello)"
mkfifo ready end
unshare -m --propagation private sh -c 'echo >ready; read -r _ <end' &
read -r <ready
server=$(server_of image)
timeout 5 umount bind || fail "umount of what another namespace has ended with $?"
! is_gone "$server" || fail "the server has ended with a mount left"
echo >end
wait_until 10 is_gone "$server" || fail "the server outlives the namespace"

# umount -f does not ask the server, which may hang.
mount_with -t fuse.ext4d image mnt
server=$(server_of image)
kill -STOP "$server"
timeout 20 umount -f mnt 2>said || fail "umount -f ended with $?: $(cat said)"
kill -CONT "$server"
wait_until 10 is_gone "$server" || fail "umount -f: the server is left"
judge image
