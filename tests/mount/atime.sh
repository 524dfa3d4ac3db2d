#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which reads move access times with which options, and when they come to the image.
. "${0%/*}/../lib/test.sh"

need_root
mkdir mnt src src/dir
echo text >src/file
echo text >src/fresh
echo text >src/flagged
echo text >src/dir/inner
ln -s file src/link
make_image image 16M -t ext4 -d src
long_ago=1000000000 recently=$(($(date +%s) - 3600))

# Read before the last change (old), an hour ago and after it (fresh), never to be moved (flagged).
emount image mnt -o rw,noatime
touch -h -d "@$long_ago" mnt/file mnt/link mnt/dir mnt/flagged mnt/fresh
touch -a -d "@$recently" mnt/fresh
chattr +A mnt/flagged
eumount mnt
debugfs -w -f - image >/dev/null 2>&1 <<-END
	set_inode_field fresh ctime @$long_ago
END
judge image

# What an image says of the access times; dates are whole seconds.
on_disk()
{
	debugfs -R "stat $2" "$1" 2>/dev/null | sed -n 's/^ *atime: 0x\([0-9a-f]*\).*/\1/p' |
		(read -r hex && echo $((16#$hex)))
}

moved()
{
	[ "$1" -gt "$recently" ] && echo yes || echo no
}

# reads OPTIONS FILE FRESH FLAGGED LINK DIR: what moves when all of it is read once.
reads()
{
	local names=(file fresh flagged link dir) i name want

	cp image run
	emount run mnt -o "$1"
	ls mnt >/dev/null
	cat mnt/file mnt/fresh mnt/flagged >/dev/null
	readlink mnt/link >/dev/null
	ls mnt/dir >/dev/null
	for i in 0 1 2 3 4; do
		want=${*:i + 2:1}
		equal "-o $1: ${names[i]} moved" "$want" "$(moved "$(stat -c %X "mnt/${names[i]}")")"
	done
	eumount mnt
	judge run
	for i in 0 1 2 3 4; do
		want=${*:i + 2:1}
		equal "-o $1: ${names[i]} moved on disk" "$want" "$(moved "$(on_disk run "${names[i]}")")"
	done
}

reads rw yes no no yes yes
reads rw,relatime yes no no yes yes
reads rw,strictatime yes yes no yes yes
reads rw,noatime,strictatime yes yes no yes yes
reads rw,noatime no no no no no
reads rw,noatime,relatime yes no no yes yes
reads rw,nodiratime yes no no yes no
reads rw,lazytime yes no no yes yes
reads ro no no no no no
reads ro,strictatime no no no no no

# later OPTIONS COMMAND: whether the image has the access time after the file was read and the command.
later()
{
	cp image run
	emount run mnt -o "$1"
	cat mnt/file >/dev/null
	eval "$2"
	cp run cut
	eumount mnt
	e2fsck -fy cut >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck of the cut: $(cat fsck.log)"
	moved "$(on_disk cut file)"
}

equal "written at once" no "$(later rw,commit=3600 :)"
equal "written with fsync(2)" yes "$(later rw,commit=3600 'sync mnt/file')"
equal "written with the next change" yes \
	"$(later rw,commit=3600 'chmod 600 mnt/file; touch mnt/new; sync mnt/new')"
# What is tested is that time passes: a second until the new time joins a transaction, another one until
# that commits; lazytime waits for hours, which can only be seen by its absence. Twice as long, to be sure.
equal "written by and by" yes "$(later rw,commit=1 'sleep 4')"
equal "written by and by with lazytime" no "$(later rw,commit=1,lazytime 'sleep 4')"

# An access time that is set counts more than one that moved before.
cp image run
emount run mnt -o rw,strictatime
cat mnt/file >/dev/null
touch -a -d "@$long_ago" mnt/file
equal "the time that was set" "$long_ago" "$(stat -c %X mnt/file)"
cat mnt/dir/inner >/dev/null
rm mnt/dir/inner
eumount mnt
equal "the time that was set, on disk" "$long_ago" "$(on_disk run file)"
judge run
