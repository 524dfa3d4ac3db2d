#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -o sync and dirsync: what has returned is in the image, and without them it is not yet.
. "${0%/*}/../lib/test.sh"

need_root
mkdir mnt

# after OPTION COMMAND QUESTION: the answer of debugfs after a power cut that follows the command.
after()
{
	cp image copy
	emount copy mnt -o "rw,commit=3600${1:+,$1}"
	(cd mnt && eval "$2") || fail "$2"
	cp copy cut
	eumount mnt
	judge copy
	e2fsck -fy cut >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck of the cut: $(cat fsck.log)"
	debugfs -R "$3" cut 2>/dev/null | tr -s ' \n' ' '
}

# durable COMMAND QUESTION PATTERN OPTION...: with which options the answer matches, with others not.
durable()
{
	local command=$1 question=$2 pattern=$3 option got

	shift 3
	for option in '' dirsync sync; do
		got=$(after "$option" "$command" "$question")
		case " $* " in
		*" $option "*)
			[[ $got == *$pattern* ]] || fail "-o $option: not durable: $command: $got"
			;;
		*)
			[[ $got != *$pattern* ]] || fail "-o '$option': durable unasked: $command: $got"
			;;
		esac
	done
}

mkdir src
echo old >src/file
mkdir src/dir
make_image image 16M -t ext4 -d src
durable 'mkdir new' 'stat new' 'Type: directory' dirsync sync
durable 'mknod new p' 'stat new' 'Type: FIFO' dirsync sync
durable 'ln -s target new' 'stat new' 'Type: symlink' dirsync sync
durable 'ln file new' 'stat new' 'Links: 2' dirsync sync
durable 'mv file dir/new' 'stat dir/new' 'Type: regular' dirsync sync
durable 'chmod 640 file' 'stat file' 'Mode: 0640' sync
durable 'setfattr -n user.name -v value file' 'ea_list file' 'user.name' sync
durable 'chattr +A file' 'stat file' 'Flags: 0x80080' sync
durable 'truncate -s 1000 file' 'stat file' 'Size: 1000' sync
durable 'truncate -s 3 file' 'stat file' 'Size: 3' sync
durable 'echo text >>file' 'cat file' 'text' sync
durable 'dd if=/dev/zero of=file bs=4096 count=3 oflag=direct 2>/dev/null' 'stat file' 'Size: 12288' sync

# The flags of files do the same one by one.
got=$(after '' 'chattr +S file; chmod 640 file' 'stat file')
[[ $got == *'Mode: 0640'* ]] || fail "chattr +S: not durable: $got"
got=$(after '' 'chattr +S file; dd if=/dev/zero of=file bs=4096 count=3 oflag=direct 2>/dev/null' \
	'stat file')
[[ $got == *'Size: 12288'* ]] || fail "chattr +S: a direct write is not durable: $got"
got=$(after '' 'chattr +D dir; sync dir; mkdir dir/new' 'stat dir/new')
[[ $got == *'Type: directory'* ]] || fail "chattr +D: not durable: $got"

# The kernel knows of them as well, and async takes sync back.
emount copy mnt -o rw,sync,dirsync
grep -q " $WORK/mnt fuse.ext4d rw,sync,dirsync," /proc/self/mounts || fail "the kernel does not know"
eumount mnt
emount copy mnt -o rw,sync,async
grep -q " $WORK/mnt fuse.ext4d rw,relatime," /proc/self/mounts || fail "async does not take it back"
eumount mnt
