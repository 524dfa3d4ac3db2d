# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that damage an image and look what ext4d makes of it: an error for what is damaged,
# everything else as before, never a crash. With EXT4D_ASAN the sanitizers look on.

# shellcheck source=tests/lib/test.sh
. "$(dirname "${BASH_SOURCE[0]}")/test.sh"

EXT4D=${EXT4D_ASAN:-$EXT4D}
export ASAN_OPTIONS=log_path=$WORK/sanitizer
export UBSAN_OPTIONS=print_stacktrace=1:log_path=$WORK/sanitizer
LOG_LINES_MAX=100
LINES_MAX=1 # of what is said when an image is refused
case_nr=0

# base MKE2FS-ARGUMENT...: the undamaged image ./base and what is seen of it. Never mounted by the
# kernel, so that no rights are needed.
base()
{
	[ -d src ] || make_source
	make_image base "${SIZE:-16M}" "$@" -d src
	[ ! -s more-commands ] || debugfs -w -f more-commands base >/dev/null 2>&1
	# debugfs does not count the blocks of attributes; with INDEX=1, directories get an index.
	e2fsck -fy ${INDEX:+-D} base >fsck.log 2>&1 || [ $? = 1 ] || fail "e2fsck failed"
	judge base
	what=undamaged
	cp base image
	mkdir -p mnt
	look base.tree
	! grep -q ' error ' base.tree || fail "the undamaged image has errors: $(grep ' error ' base.tree)"
}

# Small and large files, one of many extents, symlinks, a directory for an index, attributes.
make_source()
{
	local i

	mkdir -p src/dir/sub src/many
	echo hello >src/hello
	echo deeper >src/dir/deeper
	head -c 100000 /dev/zero | tr '\0' x >src/big
	for i in {0..199}; do
		printf 'piece %d' "$i" | dd of=src/pieces bs=1024 seek=$((2 * i)) conv=notrunc status=none
	done
	ln -s hello src/fast
	ln -s "$(printf '%0100d' 1)" src/slow
	for i in {1..300}; do
		ln src/hello "src/many/a-name-that-takes-some-room-$i"
	done
	head -c 500 /dev/zero | tr '\0' v >value
	cat >>more-commands <<-'END'
		ea_set hello user.small value
		ea_set big user.other something
		ea_set -f value big user.large
	END
}

# damage DESCRIPTION: begins a case on a new copy of the image.
damage()
{
	what=$1
	cp base image
	case_nr=$((case_nr + 1))
}

field()
{
	debugfs -w -R "set_inode_field $1 $2 $3" image >/dev/null 2>&1
}

super()
{
	debugfs -w -R "set_super_value $1 $2" image >/dev/null 2>&1
}

# poke OFFSET HEX: overwrites bytes of the image, checksums are left as they are.
poke()
{
	local hex=$2 i text=

	for ((i = 0; i < ${#hex}; i += 2)); do
		text+="\\x${hex:i:2}"
	done
	printf '%b' "$text" | dd of=image bs=1 seek=$(($1)) conv=notrunc status=none
}

block_size()
{
	dumpe2fs -h base 2>/dev/null | sed -n 's/^Block size: *//p'
}

# The byte at which the inode of PATH begins.
inode_at()
{
	debugfs -R "imap $1" base 2>/dev/null | tr -d ',' |
		awk -v size="$(block_size)" '/located/ { print $4 * size + strtonum_hex($6) }
			function strtonum_hex(s,   i, n) {
				n = 0
				for (i = 3; i <= length(s); i++)
					n = n * 16 + index("0123456789abcdef", tolower(substr(s, i, 1))) - 1
				return n
			}'
}

# The byte at which block NUMBER (default 0) of PATH begins.
block_at()
{
	local block

	block=$(debugfs -R "bmap $1 ${2:-0}" base 2>/dev/null)
	echo $((block * $(block_size)))
}

# The bytes of the blocks that hold the extent tree or the indirect map of PATH: the first one.
map_block_at()
{
	local block

	block=$(debugfs -R "stat $1" base 2>/dev/null |
		sed -n 's/.*(\(ETB0\|IND\)):\([0-9]*\).*/\2/p' | head -n 1)
	[ -n "$block" ] || fail "$1 has no block of its map"
	echo $((block * $(block_size)))
}

xattr_block_at()
{
	local block

	block=$(debugfs -R "stat $1" base 2>/dev/null | sed -n 's/.*File ACL: \([0-9]*\).*/\1/p')
	[ "$block" != 0 ] || fail "$1 has no attribute block"
	echo $((block * $(block_size)))
}

no_sanitizer_report()
{
	local file

	for file in sanitizer.*; do
		[ ! -e "$file" ] || fail "$what: $(cat "$file")"
	done
}

# look FILE: everything to be seen through a mount in the foreground, its log in ./server.log.
look()
{
	local status=0

	timeout 60 "$EXT4D" image mnt -f ${OPTIONS:+-o "$OPTIONS"} 2>server.log &
	server=$!
	wait_until 20 eval 'is_mounted mnt || is_gone $server' || fail "$what: neither mounted nor refused"
	is_mounted mnt || fail "$what: not mounted: $(cat server.log)"
	timeout 30 "$(tool image/treedump)" -s lost+found mnt >"$1" || [ $? = 1 ] ||
		fail "$what: walking ended with $?"
	timeout 20 "$EXT4D" --unmount mnt || fail "$what: cannot unmount"
	wait "$server" || status=$?
	equal "$what: exit status of the server" 0 "$status"
	no_sanitizer_report
	[ "$(wc -l <server.log)" -le "$LOG_LINES_MAX" ] || fail "$what: $(wc -l <server.log) lines of log"
	! grep -v '^ext4d: ' server.log || fail "$what: the log has other lines"
}

# gives [PATH ERROR]...: these paths show these errors and may look different, as may what is
# below them; everything else is as it was.
gives()
{
	local path expected=''

	look damaged.tree
	: >excused
	while [ $# -gt 0 ]; do
		expected+="$1 $2"$'\n'
		echo "$1" >>excused
		shift 2
	done
	expected=$(printf '%s' "$expected" | sort -u)
	equal "$what: errors" "$expected" "$(awk '/ error / { print $1, $NF }' damaged.tree | sort -u)"
	[ -z "$expected" ] || [ -s server.log ] || fail "$what: nothing in the log"
	same_elsewhere
}

# May do either, as long as what is not damaged stays as it is: changes PATH...
changes()
{
	look damaged.tree
	printf '%s\n' "$@" >excused
	same_elsewhere
}

same_elsewhere()
{
	local file

	for file in base damaged; do
		awk 'BEGIN { while ((getline path < "excused") > 0) list[++n] = path }
			{
				for (i = 1; i <= n; i++)
					if ($1 == list[i] || index($1, list[i] "/") == 1)
						next
				print
			}' "$file.tree" >"$file.rest"
	done
	cmp -s base.rest damaged.rest ||
		fail "$what: also changes: $(diff base.rest damaged.rest | head -n 6)"
}

# not_mounted [PATTERN]: one line, a non-zero exit status, nothing mounted.
not_mounted()
{
	local status=0

	timeout 20 "$EXT4D" image mnt >out 2>&1 </dev/null || status=$?
	[ "$status" != 0 ] || fail "$what: mounted"
	[ "$status" -lt 124 ] || fail "$what: status $status: $(cat out)"
	! is_mounted mnt || fail "$what: refused, but mounted"
	no_sanitizer_report
	grep -Eq -- "${1:-.}" out || fail "$what: the message does not match '$1': $(cat out)"
	! grep -v '^ext4d: ' out || fail "$what: the message has other lines"
	[ "$(wc -l <out)" -le "$LINES_MAX" ] || fail "$what: more lines than $LINES_MAX: $(cat out)"
}

cases_done()
{
	echo "$case_nr cases"
}
