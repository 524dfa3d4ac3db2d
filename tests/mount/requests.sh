#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/requests.md is true: each row's calls, made by Perl on a fresh mount, send the requests it says.
# REWRITE=1 writes what is seen into the rows instead.
. "${0%/*}/../lib/test.sh"

need_root
table=$TOP/docs/requests.md

populate()
{
	mkdir mnt/d mnt/e mnt/d/empty
	head -c 4096 /dev/zero >mnt/d/f
	head -c 4096 /dev/zero >mnt/d/g
	head -c 1048576 /dev/zero >mnt/d/big
	ln -s f mnt/d/l
	setfattr -n user.a -v b mnt/d/g
}

truncate -s 64M image
mke2fs -q -t ext4 -F image
mkdir mnt
kmount image mnt
populate
umount mnt

# requests CALLS: what the server has seen when they were made and it was unmounted, a line for each
# kind. FORGET is left out: nobody waits for it, and several may come in one.
requests()
{
	cp --sparse=always image copy
	"$EXT4D" copy mnt -o rw -d 2>log &
	wait_until 10 is_mounted mnt || fail "not mounted: $(cat log)"
	(cd mnt && perl -e "use POSIX (); use Fcntl qw(:DEFAULT :seek); $1") || fail "perl: $1"
	umount mnt
	wait
	sed -n 's/.*requests: //p' log | sed 's/, /\n/g' | grep -v FORGET
}

# beyond BEFORE AFTER: the requests in AFTER that are not in BEFORE.
beyond()
{
	awk 'FILENAME == ARGV[1] { had[$1] = $2; next }
	$2 != had[$1] { list = list (list ? ", " : "") $1 " " ($2 - had[$1]) }
	END { print list ? list : "none" }' "$1" "$2"
}

rows=0 wrong=0
cp "$table" new
while IFS='|' read -r _ what before calls said; do
	row="|$what|$before|$calls|"
	before=${before//\`/} calls=${calls//\`/}
	said=$(sed 's/^ *//; s/[ |]*$//' <<<"$said")
	requests "$before" >first
	requests "$before;$calls" >second
	seen=$(beyond first second)
	rows=$((rows + 1))
	[ "$seen" = "$said" ] || {
		echo "$what: documented: $said; seen: $seen"
		wrong=$((wrong + 1))
		ROW=$row SEEN=$seen perl -i -pe 's/\|[^|]*\|$/| $ENV{SEEN} |/ if index($_, $ENV{ROW}) == 0' new
	}
done < <(grep '^|.*`' "$table")
[ "$rows" -ge 20 ] || fail "$rows rows in $table"
[ -z "${REWRITE:-}" ] || { cp new "$table"; exit 0; }
[ "$wrong" = 0 ] || fail "$wrong of $rows rows are not true"
