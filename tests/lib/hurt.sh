# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of crafted damage. Each case is a copy of a good image with a few bytes changed:
# the damaged file alone is to fail, with the right error, and what is wrong is to stand in the log.
#
#   src         the tree that is put into ./good; src/keep is compared in every case
#   SIZE, TYPE  of the image; TYPE is ext2 or ext4
#   BS          the block size
#   IMAGE       array: more arguments of mke2fs
#
# The kernel's ext4 never sees these images. They are read with sanitizers if there is such a build.

# shellcheck source=tests/lib/test.sh
. "$(dirname "${BASH_SOURCE[0]}")/test.sh"

need_tool mke2fs debugfs
EXT4D=${EXT4D_ASAN:-$EXT4D}
BS=1024
TYPE=ext4
IMAGE=()
SIZE=4M
CASE_LIMIT=20 # seconds
mkdir -p mnt src/keep/dir
echo "kept" >src/keep/file
echo "deep" >src/keep/dir/deep
seq 20000 >src/keep/big
ln -s dir/deep src/keep/link

# The good image from ./src. Arguments: more of mke2fs's.
build()
{
	make_image good "$SIZE" -t "$TYPE" -b "$BS" -N 256 -d src "${IMAGE[@]}" "$@"
}

# ---- where things lie in the good image, in bytes ----

# ask PATTERN DEBUGFS-COMMAND: what \1 of the pattern matches.
ask()
{
	local text

	text=$(debugfs -R "$2" good 2>/dev/null | sed -n "s/$1/\\1/p" | head -n 1)
	[ -n "$text" ] || fail "debugfs -R '$2' does not say '$1'"
	printf '%s\n' "$text"
}

# Of a path or <number>, here and below.
ino_of()
{
	ask '^Inode: \([0-9]*\).*' "stat $1"
}

inode_at()
{
	local block offset

	block=$(ask '.*located at block \([0-9]*\), offset.*' "imap $1")
	offset=$(ask '.*located at block [0-9]*, offset \(0x[0-9a-f]*\).*' "imap $1")
	echo $((block * BS + offset))
}

# The number of the block that holds a file's block $2 (0).
block_of()
{
	ask '^\([0-9]*\)$' "bmap $1 ${2:-0}"
}

# The byte where it begins.
block_at()
{
	echo $(($(block_of "$@") * BS))
}

# number_at BYTE SIZE
number_at()
{
	local number

	read -r number < <(od -An -tu"$2" -j "$1" -N "$2" good)
	echo "$number"
}

# The directory block at a byte, in the array bytes: what follows would else start programs for each record.
load_block()
{
	mapfile -t bytes < <(od -An -v -tu1 -w1 -j "$1" -N "$BS" good)
}

# The length of the record at an offset of it, and the name, into rec_len and name.
parse_record()
{
	local off=$1 escaped='' code i

	rec_len=$((bytes[off + 4] + 256 * bytes[off + 5]))
	for ((i = 0; i < bytes[off + 6]; i++)); do
		printf -v code '\\x%02x' "${bytes[off + 8 + i]}"
		escaped+=$code
	done
	printf -v name '%b' "$escaped"
}

# record_at BYTE NAME: where the record of that name begins, in the directory block at BYTE.
record_at()
{
	local off bytes rec_len name

	load_block "$1"
	for ((off = 0; off < BS; off += rec_len)); do
		parse_record $off
		if [ "$name" = "$2" ]; then
			echo $(($1 + off))
			return
		fi
		[ $rec_len -ge 8 ] || break
	done
	fail "no record of $2 at $1"
}

# The names in block $2 of the directory $1.
names_in()
{
	local off bytes rec_len name

	load_block "$(block_at "$1" "$2")"
	for ((off = 0; off < BS; off += rec_len)); do
		parse_record $off
		if ((bytes[off] + bytes[off + 1] + bytes[off + 2] + bytes[off + 3] && bytes[off + 6] > 2)); then
			echo "$name"
		fi
	done
}

# ---- a case ----

# hurt NAME [CHANGE...]: ./image, with checksums made right. Changes are tests/damage/patch.c's.
hurt()
{
	hurt_only "$@" fix
}

# The same without: a changed byte is a wrong checksum too.
hurt_only()
{
	echo "--- $1"
	cp --sparse=always good image
	"$(tool damage/patch)" image "${@:2}" || fail "cannot make the image"
}

mounted_or_ended()
{
	is_mounted mnt || is_gone "$server"
}

# Mounts ./image with the log in ./log.
start()
{
	timeout --foreground $CASE_LIMIT "$EXT4D" image mnt -f -o ro "$@" >log 2>&1 </dev/null &
	server=$!
	wait_until 10 mounted_or_ended || fail "not mounted"
	is_mounted mnt || fail "ended at once: $(cat log)"
}

keep_fine()
{
	diff -r --no-dereference src/keep mnt/keep || fail "other files differ"
	[ -e mnt/keep/link ] || fail "a link does not lead to its file"
}

# Unmounts; the server must have survived all of it. Arguments: patterns the log must match.
stop()
{
	keep_fine
	stop_only "$@"
}

# The same if the damage is in what is compared.
stop_only()
{
	local pattern

	eumount mnt
	wait "$server" || fail "the server ended with $?: $(cat log)"
	! grep -Eq 'Sanitizer|runtime error|Assert' log || fail "$(cat log)"
	for pattern; do
		grep -Eq -- "$pattern" log || fail "the log does not match '$pattern': $(cat log)"
	done
}

# Tries to mount $FILE, which must be refused with exit status 32; what is said stands in ./out.
FILE=image
not_mounted()
{
	local status=0

	timeout --foreground $CASE_LIMIT "$EXT4D" "$FILE" mnt -o ro "$@" >out 2>&1 </dev/null || status=$?
	equal "exit status ($(cat out))" 32 "$status"
	! is_mounted mnt || fail "refused and mounted"
}

# refused PATTERN [ARGUMENT...]: in one line that matches.
refused()
{
	not_mounted "${@:2}"
	must_say "$1"
}

# refused_after PATTERN...: all of them match; a line about the damage itself may come first.
refused_after()
{
	local pattern

	not_mounted
	for pattern; do
		grep -Eq -- "$pattern" out || fail "output does not match '$pattern': $(cat out)"
	done
	! grep -v '^ext4d: ' out || fail "other lines than ext4d's"
}

declare -A ERROR=(
	[EUCLEAN]='Structure needs cleaning'
	[EBADMSG]='Bad message'
	[ENOENT]='No such file or directory'
	[ENODATA]='No such attribute'
)

# gives ERROR PROGRAM [ARGUMENT...]: fails with that error; what it prints first is in ./text.
gives()
{
	local want=${ERROR[$1]} status=0

	shift
	timeout $CASE_LIMIT "$@" >text 2>errors </dev/null || status=$?
	[ "$status" != 0 ] || fail "no error: $*"
	[ "$status" != 124 ] || fail "hangs: $*"
	grep -qF "$want" errors || fail "not '$want': $*: $(cat errors)"
}

# Runs a program that may fail or not, but in time.
in_time()
{
	local status=0

	timeout $CASE_LIMIT "$@" >text 2>errors </dev/null || status=$?
	[ "$status" != 124 ] || fail "hangs: $*"
}

# lists DIR NAME...: all of them are in the listing in ./text.
lists()
{
	local name

	for name in "${@:2}"; do
		grep -qx -- "$name" text || fail "$1 does not list $name: $(cat text)"
	done
}
