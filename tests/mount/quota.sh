#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whose quota limits are enforced with which options; usage is kept with all of them.
. "${0%/*}/../lib/test.sh"

need_root
uid=$(id -u nobody) gid=$(id -g nobody)
patch=$(tool damage/patch)
mkdir mnt
make_image plain 16M -t ext4
make_image image 16M -t ext4 -b 1024 -I 256 -O quota,project \
	-E "quotatype=usrquota:grpquota:prjquota"

# files N: how many of N files come to be, for nobody, where all their limits might count.
files()
{
	local i made=0

	for ((i = 0; i < $1; i++)); do
		runuser -u nobody -- touch "$2/file$i" 2>out || break
		made=$((made + 1))
	done
	[ "$made" = "$1" ] || grep -q 'Disk quota exceeded' out || fail "not EDQUOT: $(cat out)"
	echo "$made"
}

# limit QUOTA-INODE ID FIELD=VALUE: patches an entry of a file with one leaf, its sixth block. The
# format is that of format/dquot.h: a head of 16 bytes, entries of 72.
limit()
{
	local block i off

	block=$(debugfs -R "bmap <$1> 5" image 2>/dev/null)
	for ((i = 0; i < 14; i++)); do
		off=$((block * 1024 + 16 + 72 * i))
		[ "$(od -An -tu4 -j "$off" -N 4 image | tr -d ' ')" != "$2" ] ||
			[ "$(od -An -tu8 -j $((off + 24)) -N 8 image | tr -d ' ')" = 0 ] || break
	done
	[ "$i" -lt 14 ] || fail "no entry of $2 in quota file $1"
	"$patch" image "$((off + ${3%=*})):8=${3#*=}"
}

# One file of each owner makes the entries.
emount image mnt -o rw
mkdir mnt/users mnt/projects
chown "$uid:$gid" mnt/users
chmod 777 mnt/users mnt/projects
chattr +P -p 7 mnt/projects
equal "files without limits" 1 "$(files 1 mnt/users)"
eumount mnt
judge image
user=$(dumpe2fs -h image 2>/dev/null | sed -n 's/^User quota inode: *//p')
group=$(dumpe2fs -h image 2>/dev/null | sed -n 's/^Group quota inode: *//p')
project=$(dumpe2fs -h image 2>/dev/null | sed -n 's/^Project quota inode: *//p')
cp image unlimited

# enforced OPTIONS FILES: so many of 6 files come to be.
enforced()
{
	cp image run
	emount run mnt -o "rw${1:+,$1}"
	equal "files with -o '$1'" "$2" "$(files 6 "mnt/$3")"
	eumount mnt
	judge run
}

ihard=8 bhard=32
# The directory and the first file count already.
limit "$user" "$uid" $ihard=4
for options in '' noquota grpquota prjquota usrquota,noquota; do
	enforced "$options" 6 users/.
done
for options in usrquota quota noquota,usrquota usrquota,grpquota,prjquota; do
	enforced "$options" 3 users/.
done
# What lies in the page cache is too much when it is written back; directly, at once.
cp unlimited image
limit "$user" "$uid" $bhard=100
cp image run
emount run mnt -o rw,usrquota
for flag in oflag=direct conv=fsync; do
	must_fail runuser -u nobody -- dd if=/dev/zero of=mnt/users/file0 bs=64k count=8 $flag
	grep -q 'Disk quota exceeded' out || fail "not EDQUOT: $(cat out)"
done
eumount mnt
judge run

cp unlimited image
limit "$group" "$gid" $ihard=3
enforced usrquota 6 users/.
enforced grpquota 2 users/.
cp unlimited image
limit "$project" 7 $ihard=3
enforced usrquota,grpquota 6 projects
enforced prjquota 2 projects

# For reading nothing counts.
emount image mnt -o ro,usrquota,grpquota,prjquota
eumount mnt

# Without the feature there is nothing to enforce; old quota files are not known.
"$EXT4D" plain mnt -o usrquota >out 2>&1 || fail "usrquota without the feature: $(cat out)"
must_say 'no limits are enforced for users'
touch mnt/new
eumount mnt
must_fail "$EXT4D" plain mnt -o prjquota
must_say 'prjquota: .* lacks the feature project'
judge plain
for option in usrjquota=aquota.user grpjquota=aquota.group usrjquota= jqfmt=vfsv1; do
	must_fail "$EXT4D" plain mnt -o "$option"
	must_say 'usrjquota, grpjquota and jqfmt: .*not supported'
done
