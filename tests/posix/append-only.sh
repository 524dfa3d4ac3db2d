#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# touch(1) of what chattr +a and +i protect: to now it may be set where it may be appended, to nothing else.
. "${0%/*}/../lib/test.sh"

need_loop
need_tool chattr touch

# What each of the calls says, and whether it moved a time.
calls()
{
	local name flag

	for name in file dir; do
		for flag in a i; do
			[ "$name" = dir ] && mkdir "$1/$name-$flag" || echo text >"$1/$name-$flag"
			touch -d @1000000000 "$1/$name-$flag"
			chattr "+$flag" "$1/$name-$flag"
			for args in '' '-a' '-m' '-d @1100000000' '-a -d @1100000000'; do
				# a file's mtime alone looks like what comes late from the page cache
				[ "$name $args" != 'file -m' ] || continue
				# shellcheck disable=SC2086
				(cd "$1" && touch -c $args "$name-$flag") 2>&1 || true
				echo "$name +$flag touch $args: $(moved "$1/$name-$flag")"
			done
			chattr "-$flag" "$1/$name-$flag"
		done
	done
}

moved()
{
	local atime mtime

	read -r atime mtime < <(stat -c '%X %Y' "$1")
	echo "$([ "$atime" -gt 1500000000 ] && echo now || echo "$atime")" \
		"$([ "$mtime" -gt 1500000000 ] && echo now || echo "$mtime")"
}

make_image image 16M -t ext4
cp image copy
kmount image kernel
calls kernel >kernel.txt
kumount kernel
emount copy mnt -o rw
calls mnt >ext4d.txt
eumount mnt
judge copy
diff kernel.txt ext4d.txt || fail "differs (< kernel, > ext4d)"
