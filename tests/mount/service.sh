#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by a helper that has the rights, with a server that has none: nobody's, in a place with its program and
# libraries alone. We are the service manager.
# Time limit: 240
. "${0%/*}/../lib/test.sh"
# shellcheck source=tests/lib/apart.sh
. "$TOP/tests/lib/apart.sh"

need_loop
need_tool mount umount unshare chroot runuser fusermount3
[ -w /dev/fuse ] || skip "needs /dev/fuse"
self=$TOP/tests/mount/service.sh
[ "${APART:-}" = "$self" ] || apart "$self"
drop_copies

HELPER=$BUILD/misc/mount.ext4d-service
[ -x "$HELPER" ] || fail "$HELPER is not built"
SERVER_UID=54321
socket=/run/filesystems/ext4d

# For this test alone: nothing of /run, and a root for the server.
mount -t tmpfs run /run
mkdir /run/filesystems root mnt
mount -t tmpfs -o mode=755 root root
mkdir root/usr root/proc
mount --bind /usr root/usr
mount -o remount,bind,ro root/usr
for name in bin lib lib64; do
	ln -s "usr/$name" "root/$name"
done
cp "$EXT4D" root/ext4d
cp "$(tool mount/rogue)" root/rogue
mount -o remount,ro root

# serve_with PROGRAM [ARGUMENT...]: what is started for each connection from now on. Its output is in ./log.
serve_with()
{
	if [ -n "${manager:-}" ]; then
		kill "$manager"
		wait "$manager" 2>/dev/null || true
	fi
	rm -f "$socket"
	: >log
	"$(tool mount/activate)" "$socket" chroot --userspec="$SERVER_UID:$SERVER_UID" --groups= root "$@" \
		>>log 2>&1 </dev/null &
	manager=$!
	wait_until 10 test -S "$socket" || fail "the service manager does not listen"
}

# helper_fails STATUS PATTERN ARGUMENT...: one line that matches, and nothing mounted.
helper_fails()
{
	local status=0 want=$1 pattern=$2

	shift 2
	timeout 60 "$HELPER" "$@" >out 2>&1 || status=$?
	equal "exit status of $*" "$want" "$status"
	equal "lines of $*" 1 "$(wc -l <out)"
	grep -Eq "^mount.ext4d-service: .*$pattern" out || fail "$* says: $(cat out)"
	! is_mounted mnt || fail "$*: mounted after all"
}

helper_mounts()
{
	"$HELPER" "$@" >out 2>&1 || fail "the helper ends with $?: $(cat out) $(cat log)"
	[ ! -s out ] || fail "the helper says: $(cat out)"
	is_mounted mnt || fail "not mounted"
	server=$(server_of "$1")
}

# The server ends with its mount, and leaves a good image.
gone()
{
	umount "$1"
	wait_until 10 is_gone "$server" || fail "the server is left"
	judge "$2"
}

status_of()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$server/status"
}

# mounted_as PATTERN: the mount's options.
mounted_as()
{
	grep -Eq "^[^ ]* $WORK/mnt fuse.ext4d $1" /proc/self/mounts || fail "mounted otherwise: $(grep "$WORK/mnt" /proc/self/mounts)"
}

small_image image 16M -t ext4
cp image fresh

helper_fails 32 'no service at .*: No such file' image mnt
serve_with /ext4d --service

# ---- by root ----

helper_mounts image mnt
mounted_as 'rw,nosuid,nodev,(relatime,)?user_id=0,group_id=0,default_permissions,allow_other'
equal "the source" "$WORK/image" "$(findmnt -n -o SOURCE mnt)"
equal "contents" hello "$(cat mnt/hello)"
equal "the server's users" "$SERVER_UID $SERVER_UID $SERVER_UID $SERVER_UID" "$(echo $(status_of Uid))"
equal "the server's groups" "" "$(status_of Groups | tr -d ' ')"
for set in CapInh CapPrm CapEff CapAmb; do
	equal "the server's $set" 0000000000000000 "$(status_of $set)"
done
equal "the server's NoNewPrivs" 1 "$(status_of NoNewPrivs)"
equal "the server's root" "$WORK/root" "$(realpath "/proc/$server/root")"
# another server of the same user does not get at it
must_fail chroot --userspec="$SERVER_UID:$SERVER_UID" --groups= / wc -c "/proc/$server/environ"
must_fail chroot --userspec="$SERVER_UID:$SERVER_UID" --groups= / ls "/proc/$server/fd"
[ "$(find "/proc/$server/fd" -lname /dev/fuse | wc -l)" -gt 1 ] || fail "the workers share a connection"
# everyone sees it, and the kernel checks permissions
equal "as another user" hello "$(runuser -u nobody -- cat mnt/hello)"
must_fail runuser -u nobody -- touch mnt/hello

for i in $(seq 200); do
	mkdir -p "mnt/d$((i % 7))"
	echo "$i" >"mnt/d$((i % 7))/f$i"
done
head -c 3000000 /dev/urandom >data
cp data mnt/data
cmp data mnt/data
ln mnt/data mnt/link2
mv mnt/d3 mnt/d4/moved
rm -r mnt/d5
truncate -s 12345 mnt/data
sync -f mnt/data
setfattr -n user.test -v value mnt/hello 2>/dev/null || true
gone mnt image
equal "on disk" 200 "$(debugfs -R 'cat d4/f200' image 2>/dev/null)"
equal "the length on disk" 12345 "$(debugfs -R 'stat link2' image 2>/dev/null | sed -n 's/.*Size: *\([0-9]*\).*/\1/p' | head -1)"

# Capabilities: of whom /proc tells, or root has them. For a key of version 1 it takes one.
add_key()
{
	head -c 64 /dev/zero | "$@" "$BUILD/misc/ext4ctl" key add -d 0123456789abcdef mnt
}
make_image keys 16M -t ext4 -O encrypt
for proc in '' proc; do
	[ -z "$proc" ] || mount -t proc proc root/proc
	helper_mounts keys mnt
	must_fail add_key runuser -u nobody --
	add_key env >out 2>&1 || fail "root has no capability${proc:+, with /proc}: $(cat out)"
	gone mnt keys
done
umount root/proc

# What is recovered and committed is as without a helper: a server that is killed leaves a journal.
helper_mounts image mnt
echo durable >mnt/durable
sync mnt/durable
kill -KILL "$server"
wait_until 10 is_gone "$server" || fail "the server is not killed"
must_fail ls mnt
umount mnt
helper_mounts image mnt
equal "after a kill" durable "$(cat mnt/durable)"
gone mnt image

# A server that is told to end commits, and cannot unmount.
helper_mounts image mnt
echo committed >mnt/committed
sync -f mnt/committed
kill -TERM "$server"
wait_until 10 is_gone "$server" || fail "SIGTERM does not end the server"
umount mnt
judge image
equal "after SIGTERM" committed "$(debugfs -R 'cat committed' image 2>/dev/null)"
grep -q 'has to be unmounted' log || fail "SIGTERM: $(cat log)"

# Options: mount(8)'s, the kernel's, ours.
helper_mounts image mnt -o ro
mounted_as 'ro,'
must_fail touch mnt/new
gone mnt image
helper_mounts image mnt -n -v -o rw,nosuid,nodev -o noexec,noatime,x-test,user
mounted_as 'rw,nosuid,nodev,noexec,noatime'
gone mnt image
helper_mounts image mnt -o no_default_opts,sync
mounted_as 'rw,sync,nosuid,nodev,(relatime,)?user_id=0,group_id=0 '
gone mnt image
helper_mounts image mnt -o nodev,suid,dev
mounted_as 'rw,(relatime,)?user_id=0,'
gone mnt image
helper_mounts image mnt -s -o nosuchoption,uid=7
equal "uid=7" 7 "$(stat -c %u mnt/hello)"
gone mnt image
for option in io_uring=off io_uring=auto iomap=off iomap=auto cache=4M; do
	helper_mounts image mnt -o "$option"
	equal "with $option" hello "$(cat mnt/hello)"
	gone mnt image
done
"$HELPER" -f image mnt -o nosuchoption || fail "-f ends with $?"
! is_mounted mnt || fail "-f mounts"
cut -c-200 log >said
helper_fails 32 'Invalid argument; the service.s log says more' image mnt -o nosuchoption
grep -q 'unknown option "nosuchoption"' log || fail "the log: $(cat log)"
# a log's line is one line, whatever a user says
: >log
helper_fails 32 'Invalid argument' image mnt -o $'x\n<0>forged\x1b[2J'
equal "lines of the log" 0 "$(grep -c '^<0>' log)"
grep -q 'unknown option "x?<0>forged?\[2J"' log || fail "the log: $(cat -v log)"
helper_fails 32 'no\?thing: No such file' $'no\nthing' mnt
helper_fails 32 'Invalid argument' image mnt -o fsname=x
grep -q 'option fsname=x' log || fail "the log: $(cat log)"
[ -e /sys/module/fuse/parameters/enable_iomap ] || {
	helper_fails 32 'not supported' image mnt -o iomap=on
	grep -q 'no iomap: this kernel does not have it' log || fail "the log: $(cat log)"
}

# Refused by the helper itself.
helper_fails 1 'usage:' image
helper_fails 1 'unknown option -x' -x image mnt
helper_fails 1 '-o needs a value' image mnt -o
helper_fails 1 '-N: ' -N /proc/1/ns/mnt image mnt
helper_fails 1 'option remount' image mnt -o remount,ro
helper_fails 32 'nothing: No such file' nothing mnt
helper_fails 32 'image: Not a directory' image image
helper_fails 32 'nowhere: No such file' image nowhere

# By the server, with the image.
head -c 1000000 /dev/zero >zeros
helper_fails 32 'zeros: Invalid argument' zeros mnt
mkfifo fifo
helper_fails 32 'fifo: Block device required' fifo mnt
helper_fails 32 'Is a directory' root mnt

# One that somebody else has.
"$EXT4D" image mnt
cp mnt/hello /dev/null
mkdir other
! "$HELPER" image other 2>out || fail "mounts what another server has"
grep -q 'image: Device or resource busy' out || fail "$(cat out)"
eumount mnt
helper_mounts image mnt
must_fail "$EXT4D" image other -o rw
must_say 'locked'
gone mnt image
kmount image other
helper_fails 32 'Device or resource busy' image mnt
helper_fails 32 'Device or resource busy' image mnt -o ro
kumount other

# Block devices, for us alone; partitions; external journals.
loop=$(losetup -f --show image)
helper_mounts "$loop" mnt
must_fail mount -t ext4 "$loop" other
umount mnt
wait_until 10 is_gone "$server"
mount -t ext4 "$loop" other
helper_fails 32 'Device or resource busy' "$loop" mnt
umount other
losetup -d "$loop"
loop=$(losetup -r -f --show image)
helper_mounts "$loop" mnt
mounted_as 'ro,'
umount mnt
wait_until 10 is_gone "$server"
losetup -d "$loop"
truncate -s 4M journal
mke2fs -q -F -O journal_dev -b 1024 journal
loop=$(losetup -f --show journal)
make_image extern 8M -b 1024 -J device="$loop"
losetup -d "$loop"
helper_mounts extern mnt -o journal_path=journal
echo by journal >mnt/file
umount mnt
wait_until 10 is_gone "$server"
equal "with an external journal" "by journal" "$(debugfs -R 'cat file' extern 2>/dev/null)"

# ---- by mount(8) and umount(8) ----

sbin=$(realpath /sbin)
if grep -qw overlay /proc/filesystems; then
	mkdir over
	mount -t tmpfs over over
	mkdir over/upper over/work
	mount -t overlay -o "lowerdir=$sbin,upperdir=over/upper,workdir=over/work" overlay "$sbin"
	ln -s "$(realpath "$HELPER")" "$sbin/mount.ext4d-service"
	for name in mount.fuse.ext4d umount.fuse.ext4d; do
		ln -sf "$(realpath "$EXT4D")" "$sbin/$name"
	done
	mount -t ext4d-service -o nodev image mnt || fail "mount(8) ends with $?"
	mounted_as 'rw,nosuid,nodev,'
	mount -o remount,ro mnt || fail "remount,ro ends with $?"
	mounted_as 'ro,'
	must_fail touch mnt/new
	mount -o remount,rw mnt || fail "remount,rw ends with $?"
	echo new >mnt/new
	umount mnt
	! server_of image >/dev/null || fail "umount(8) does not wait for the server"
	judge image
	echo "$WORK/image $WORK/mnt ext4d-service ro,noauto,nofail 0 0" >fstab
	mount --bind fstab /etc/fstab
	mount mnt || fail "mount(8) by fstab ends with $?"
	mounted_as 'ro,'
	umount mnt
	umount /etc/fstab
fi

# ---- by a user, with a helper that is set-user-ID root ----

mkdir setuid
cp "$HELPER" setuid/helper
chmod 4755 setuid/helper
user=$(id -u nobody)
user_dir own
small_image theirs 8M -E "root_owner=$user:$(id -g nobody)"
chown nobody theirs
as_nobody()
{
	runuser -u nobody -- "$@"
}

# user_fails PATTERN ARGUMENT...
user_fails()
{
	local pattern=$1 status=0

	shift
	as_nobody timeout 60 setuid/helper "$@" >out 2>&1 || status=$?
	equal "exit status of a user's $*" 32 "$status"
	grep -Eq "$pattern" out || fail "a user's $* says: $(cat out)"
	! is_mounted own || fail "a user's $*: mounted after all"
}

if as_nobody setuid/helper theirs own >out 2>&1; then
	[ ! -s out ] || fail "the helper says: $(cat out)"
	server=$(server_of theirs)
	grep -Eq "^$WORK/theirs $WORK/own fuse.ext4d rw,nosuid,nodev,(relatime,)?user_id=$user,group_id=$(id -g nobody),default_permissions 0 0" \
		/proc/self/mounts || fail "mounted otherwise: $(grep "$WORK/own" /proc/self/mounts)"
	as_nobody sh -c 'echo mine >own/new; cat own/hello' >out
	equal "a user's file" hello "$(cat out)"
	equal "a user's new file" "$user" "$(as_nobody stat -c %u own/new)"
	must_fail as_nobody sh -c 'echo >>own/hello'
	equal "root looks into it" 0 "$(ls own 2>/dev/null | wc -l)"
	must_fail runuser -u daemon -- ls own
	as_nobody fusermount3 -u own
	wait_until 10 is_gone "$server" || fail "the server is left"
	judge theirs
	equal "what a user wrote" mine "$(debugfs -R 'cat new' theirs 2>/dev/null)"
	# their own, even so: suid and dev are not for users, and the server's word is not enough
	as_nobody setuid/helper theirs own -o suid,dev,fakeroot
	grep -q "$WORK/own fuse.ext4d rw,nosuid,nodev," /proc/self/mounts || fail "suid or dev for a user"
	equal "fakeroot" "$user" "$(as_nobody stat -c %u own/hello)"
	as_nobody fusermount3 -u own
	# what they may only read
	wait_until 10 eval '! server_of theirs >/dev/null'
	chown root theirs
	as_nobody setuid/helper theirs own
	grep -q "$WORK/own fuse.ext4d ro,nosuid,nodev," /proc/self/mounts || fail "a user writes what they may not"
	as_nobody "$WORK/ext4d" --unmount own 2>/dev/null || as_nobody fusermount3 -u own
	wait_until 10 eval '! server_of theirs >/dev/null'
	user_fails 'Operation not permitted|Permission denied|Read-only' theirs own -o rw,journal_path=/etc/shadow
	chmod 600 theirs
	user_fails 'theirs: Permission denied' theirs own
	mkdir closed
	cp fresh closed/image
	chmod 700 closed
	user_fails 'closed/image: Permission denied' closed/image own
	chmod 644 theirs
	# where they may not mount
	chmod 755 mnt
	user_fails 'mnt: Permission denied' theirs mnt
	mkdir sticky
	chmod 1777 sticky
	user_fails 'sticky: Operation not permitted' theirs sticky
	user_fails 'Operation not permitted|Permission denied' theirs /proc/self/task
	user_fails 'Operation not permitted' theirs /proc/self/fd
	if ! grep -q '^user_allow_other' /etc/fuse.conf 2>/dev/null; then
		user_fails 'Operation not permitted' theirs own -o allow_other
	fi
	printf 'mount_max = 0\nuser_allow_other\n' >fuse.conf
	[ -e /etc/fuse.conf ] || : >/etc/fuse.conf
	mount --bind fuse.conf /etc/fuse.conf
	user_fails 'quota' theirs own
	# users may not read it: root does
	printf 'mount_max = -1\nuser_allow_other\n' >fuse.conf
	chmod 600 fuse.conf
	as_nobody setuid/helper theirs own -o allow_other || fail "user_allow_other does not allow it"
	equal "allowed others" hello "$(cat own/hello)"
	as_nobody fusermount3 -u own
	umount /etc/fuse.conf
	# of where they may mount at the end, not only at the beginning
	serve_with /rogue type fuse.ext4d source @1 where @2 mount 0 stop bye 0
	as_nobody timeout 60 setuid/helper theirs own >out 2>&1 &
	helper=$!
	wait_until 10 grep -q '^stop:' log || fail "the server does not stop: $(cat log)"
	chown root own
	chmod 755 own
	kill -CONT "$(sed -n 's/^stop: //p' log)"
	status=0
	wait "$helper" || status=$?
	equal "exit status where they may no longer mount" 32 "$status"
	! is_mounted own || fail "mounted where a user may no longer"
	# the service is the helper's alone
	must_fail as_nobody "$(tool mount/activate)" "$socket" true
else
	fail "a user's mount ends with $?: $(cat out) $(cat log)"
fi
chmod 755 setuid/helper
status=0
as_nobody setuid/helper theirs own >out 2>&1 || status=$?
equal "exit status without the bit" 2 "$status"
rm -r setuid

# ---- servers that have been taken over, or do not work ----

# says LINE...: what the server was told.
says()
{
	wait_until 10 grep -q '^end:' log || fail "the server does not end: $(cat log)"
	equal "what the server was told" "$(printf '%s\n' "$@" 'end: Connection reset by peer')" "$(cat log)"
}

echo secret >secret
chmod 600 secret
ln -s /etc/passwd link
# only what was named, and only as it is: neither made, nor cut, nor a directory
serve_with /rogue open /etc/shadow 0 open "$WORK/secret" 0 open "$WORK/image/../secret" 0 open @2 0 open @1 01102 \
	open @1 01 open @1 010000000 open @1 02 open @1 0 open /dev/fuse 2 open /dev/null 0 bye 22
helper_fails 32 'image: Invalid argument' image mnt
says 'open: Operation not permitted' 'open: Operation not permitted' 'open: Operation not permitted' \
	'open: Operation not permitted' 'open: Invalid argument' 'open: Invalid argument' 'open: Invalid argument' \
	'open: a file' 'open: a file' 'open: a character device' 'open: Operation not permitted'
# what was named is what lay there at the start: who owns the directory may not put something else in its place
swapped()
{
	serve_with /rogue first "$1" 2 stop first "$1" 2 bye 5
	shift
	"$HELPER" swap/image mnt "$@" >out 2>&1 &
	helper=$!
	wait_until 10 grep -q '^stop:' log || fail "the server does not stop: $(cat log)"
	rogue=$(sed -n 's/^stop: //p' log)
	wait_until 10 grep -q '^State:[[:space:]]*T' "/proc/$rogue/status" || fail "the server is not stopped"
	mv swap old
	mkdir swap
	ln -s "$WORK/secret" swap/image
	cp secret swap/journal
	kill -CONT "$rogue"
	wait "$helper" 2>/dev/null || true
	equal "what was opened before and after" "first: i first: i" "$(sed '/^first/!d' log | paste -s -d ' ')"
	rm -r swap
	mv old swap
}
mkdir swap
echo image >swap/image
echo i, a journal >swap/journal
swapped @1
swapped swap/journal -o journal_path=swap/journal
# not what /proc shows of the helper itself
helper_fails 32 '/proc/self/maps: ' image mnt -o journal_path=/proc/self/maps
helper_fails 32 'is the image, no external journal' image mnt -o journal_path=./image
# no loop device, where the kernel would not move the bytes of files by itself: not asked, refused, or unknown to it
serve_with /rogue loop @1 2 loop @1 0 bye 5
helper_fails 32 'Input/output error' image mnt
says 'loop: a file' 'loop: a file'
for options in iomap=off iomap=on,iomap=off; do
	serve_with /rogue iomap 0x5021 loop @1 2 loop @1 0 bye 5
	helper_fails 32 'Input/output error' image mnt -o "$options"
	says 'iomap: Operation not permitted' 'loop: a file' 'loop: a file'
done
loop=$(losetup -f --show image)
serve_with /rogue iomap 0x5021 bye 5
helper_fails 32 'Input/output error' "$loop" mnt -o ro
says 'iomap: Operation not permitted'
# a file is not to be written that a loop device has
serve_with /rogue open @1 2 bye 5
helper_fails 32 'Input/output error' image mnt
says 'open: Device or resource busy'
losetup -d "$loop"
if [ -e /sys/module/fuse/parameters/enable_iomap ]; then
	# one, which is the only one of its file, and goes with its descriptor
	serve_with /rogue iomap 0x5021 loop @1 2 loop @1 2 open @1 2 bye 5
	helper_fails 32 'Input/output error' image mnt
	says 'iomap: Success' 'loop: a block device' 'loop: Device or resource busy' 'open: Device or resource busy'
	wait_until 10 eval '[ -z "$(losetup -n -j image)" ]' || fail "the loop device is left"
	serve_with /rogue iomap 0x5021 loop @1 2 silence
	"$HELPER" image mnt >/dev/null 2>&1 &
	helper=$!
	wait_until 10 grep -q 'loop: a block device' log || fail "no loop device: $(cat log)"
	must_fail "$EXT4D" image other -o rw
	must_say 'locked|has it'
	kill "$helper"
	wait "$helper" 2>/dev/null || true
	kill "$(server_of "$(losetup -n -O NAME -j image)")"
	wait_until 10 eval '[ -z "$(losetup -n -j image)" ]' || fail "the loop device is left"
	flock -n image true || fail "the image is left locked"
else
	serve_with /rogue iomap 0x503f loop @1 2 iomap 0x5021 loop @1 2 bye 5
	helper_fails 32 'Input/output error' image mnt
	says 'iomap: Success' 'loop: a file' 'iomap: Inappropriate ioctl for device' 'loop: a file'
fi
[ -z "$(losetup -n -j image)" ] || fail "a loop device is left"
# not for writing, if the caller said ro
serve_with /rogue open @1 2 bye 30
helper_fails 32 'Read-only file system' image mnt -o ro
says 'open: Read-only file system'
# mounted what was named, where it was named, once, and with no option of the server's own
serve_with /rogue type ext4 source /etc/passwd where / options fd=0,user_id=0 mount 0 type fuse.ext4d bye 1
helper_fails 32 'Operation not permitted' image mnt
says 'type: Operation not permitted' 'source: Operation not permitted' 'where: Operation not permitted' \
	'options: Operation not permitted' 'mount: Operation not permitted' 'type: Invalid argument'
serve_with /rogue mount 0 type fuse.ext4d source @1 where @2 mount 0x20 mount 0x1000 mount 0 mount 0 iomap 1 iomap 0x503f bye 5
helper_fails 32 'Input/output error' image mnt
says 'mount: Invalid argument' 'type: Success' 'source: Success' 'where: Success' 'mount: Invalid argument' \
	'mount: Invalid argument' 'mount: Success' 'mount: Invalid argument' 'iomap: Invalid argument' 'iomap: Success'
serve_with /rogue type fuse.ext4d source @1 where @2 options allow_other,context=x mount 0 bye 1
helper_fails 32 'Operation not permitted' image mnt
for options in no_default_opts fakeroot; do
	serve_with /rogue type fuse.ext4d source @1 where @2 options allow_other mount 0 bye 1
	helper_fails 32 'Operation not permitted' image mnt -o "$options"
done
# the mount does not wait for what the server may never answer
serve_with /rogue sync type fuse.ext4d source @1 where @2 mount 0 bye 5
helper_fails 32 'Input/output error' image mnt
says 'type: Success' 'source: Success' 'where: Success' 'mount: Success'
# the caller's restrictions stand
serve_with /rogue type fuse.ext4d source @1 where @2 options allow_other mount 0 bye 0
"$HELPER" image mnt -o ro,nosuid,nodev,noexec,nosymfollow 2>out || fail "a server that is gone: $(cat out)"
mounted_as "ro,nosuid,nodev,noexec,(relatime,)?nosymfollow"
umount mnt

# who ends too early, says what is no message, passes descriptors, or nothing
serve_with /rogue bye 0
helper_fails 32 'does not keep to the protocol' image mnt
serve_with /rogue bye 99999
helper_fails 32 'does not keep to the protocol' image mnt
serve_with /rogue leave
helper_fails 32 'ended without having mounted it' image mnt
serve_with /rogue type fuse.ext4d source @1 where @2 mount 0 leave
helper_fails 32 'ended without having mounted it' image mnt
serve_with /rogue bytes 5459504541
helper_fails 32 'does not keep to the protocol' image mnt
serve_with /rogue bytes 5341465400010001
helper_fails 32 'does not keep to the protocol' image mnt
# which does not arrive where the kernel has SO_PASSRIGHTS
serve_with /rogue fd
helper_fails 32 'does not keep to the protocol|ended without having mounted it' image mnt
serve_with /nothing
helper_fails 32 'ended without having mounted it' image mnt
serve_with /rogue mute
start=$SECONDS
helper_fails 32 'does not answer' image mnt
[ $((SECONDS - start)) -lt 30 ] || fail "waits $((SECONDS - start)) s for a server that is mute"

# Nothing is left of all that, and the server can do without a helper's good will.
kill "$manager"
wait "$manager" 2>/dev/null || true
status=0
"$EXT4D" --service >out 2>&1 || status=$?
equal "exit status of --service alone" 32 "$status"
must_say 'handed over no connection'
judge image
