# SPDX-License-Identifier: GPL-2.0-or-later
# What every test script starts with: `. "${0%/*}/../lib/test.sh"`.
#
# A test runs in an empty directory of its own, which is the current directory and $WORK. It ends
# with 0 (passed), 77 (skipped, reason printed) or anything else (failed, reason printed). What
# it leaves mounted, attached or running under $WORK is taken down when it ends.
#
#   BUILD       top of the build tree with src/ext4d and the test programs (default: checkout)
#   EXT4D       the program under test (default: $BUILD/src/ext4d)
#   EXT4D_ASAN  the same with ASan and UBSan, for the tests that want it

set -euo pipefail
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$TOP}
EXT4D=${EXT4D:-$BUILD/src/ext4d}
# shellcheck source=tests/lib/release.sh
. "$TOP/tests/lib/release.sh"

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

need_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_tool()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "needs the program $tool"
	done
}

need_loop()
{
	need_root
	losetup -f >/dev/null 2>&1 || skip "needs loop devices"
}

# The path of a program that the build made under tests/.
tool()
{
	[ -x "$BUILD/tests/$1" ] || fail "$BUILD/tests/$1 is not built"
	printf '%s\n' "$BUILD/tests/$1"
}

# Runs a command that must fail; its output stands in ./out.
must_fail()
{
	if "$@" >out 2>&1; then
		cat out >&2
		fail "should have failed: $*"
	fi
}

# must_say PATTERN: ./out is one line of the program's own that matches.
must_say()
{
	grep -Eq -- "$1" out || fail "output does not match '$1': $(cat out)"
	[ "$(wc -l <out)" = 1 ] || fail "more than one line: $(cat out)"
	grep -q '^ext4d: ' out || fail "line does not start with 'ext4d: ': $(cat out)"
}

# equal WHAT EXPECTED GOT
equal()
{
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# has PATTERN: whether the input matches, all of it read: `grep -q` at the end of a pipeline would
# end what writes to it.
has()
{
	local text

	text=$(cat)
	grep -q -- "$1" <<<"$text"
}

# wait_until SECONDS COMMAND...: polls, since what it waits for gives no event.
wait_until()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# From the list of mounts: mountpoint(1) does not know one whose root cannot be read.
is_mounted()
{
	local path=$1

	[ "${path#/}" != "$path" ] || path=$PWD/$path
	grep -qF " $path " /proc/self/mountinfo
}

# Milliseconds of a clock that only goes forward.
now_ms()
{
	local up

	read -r up _ </proc/uptime
	printf '%s\n' "$((10#${up/./} * 10))"
}

# emount IMAGE MOUNTPOINT [ARGUMENT...]: mounts with ext4d, read-only unless an argument says
# -o rw (the program's default is another); fails the test if that fails.
emount()
{
	[ -x "$EXT4D" ] || fail "$EXT4D is not built"
	mkdir -p "$2"
	"$EXT4D" -o ro "$@" || fail "ext4d $* ended with $?"
	is_mounted "$2" || fail "ext4d $* returned 0, but nothing is mounted"
}

eumount()
{
	timeout 30 "$EXT4D" --unmount "$1" || fail "ext4d --unmount $1 ended with $?"
	! is_mounted "$1" || fail "$1 is still mounted after --unmount"
}

# kmount IMAGE MOUNTPOINT [OPTIONS]: mounts with the kernel's ext4.
kmount()
{
	mkdir -p "$2"
	mount -t ext4 -o "loop${3:+,$3}" "$1" "$2"
}

# Unmounts what kmount mounted and waits for the end of it: a mount namespace that was copied
# meanwhile, by a test beside this one, holds the filesystem a moment longer.
kumount()
{
	local loop file

	loop=$(findmnt -n -o SOURCE --mountpoint "$1")
	file=$(losetup -n -O BACK-FILE "$loop")
	umount "$1"
	wait_until 60 eval '[ "$(losetup -n -O BACK-FILE "$loop" 2>/dev/null)" != "$file" ]' ||
		fail "$loop still has $file"
}

# The server of a mountpoint holds the image open: its process id by the image's path.
server_of()
{
	# Processes that end while find(1) looks are no error.
	{ find /proc/[0-9]*/fd -maxdepth 1 -lname "$(realpath "$1")" 2>/dev/null || true; } |
		cut -d/ -f3 | sort -un | grep .
}

# Whether a process has ended; it may still be waiting for its parent to take notice.
is_gone()
{
	! grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status" 2>/dev/null
}

# Runs a command as a user without rights: nobody, or whoever runs the test if that is not root.
# The program is copied to where that user can reach it: use ./ext4d then.
as_user()
{
	[ -e ext4d ] || cp "$EXT4D" ext4d
	if [ "$(id -u)" = 0 ]; then
		runuser -u nobody -- "$@"
	else
		"$@"
	fi
}

# A directory that belongs to the user of as_user.
user_dir()
{
	mkdir -p "$1"
	if [ "$(id -u)" = 0 ]; then
		chown nobody "$1"
	fi
}

need_user_mounts()
{
	need_tool fusermount3
	[ -w /dev/fuse ] || skip "needs /dev/fuse"
}

# make_image FILE SIZE MKE2FS-ARGUMENT...: the same image for the same arguments.
make_image()
{
	local file=$1 size=$2

	shift 2
	rm -f "$file"
	truncate -s "$size" "$file"
	mke2fs -q -F -U 6e7c1c2e-4a3b-4f0e-9d59-3c8f0e7a1b2d \
		-E hash_seed=0b8f3c1a-77d2-4e55-a1c9-5f2d6e8b9a01 "$@" "$file" ||
		fail "mke2fs $* failed"
}

# A small filesystem with a few files, made without mounting anything.
small_image()
{
	mkdir -p small-src/dir
	echo "hello" >small-src/hello
	echo "deeper" >small-src/dir/deeper
	head -c 100000 /dev/zero | tr '\0' 'x' >small-src/big
	ln -sf hello small-src/link
	make_image "$1" "${2:-8M}" -d small-src "${@:3}"
}

# e2fsck finds nothing to mend.
judge()
{
	e2fsck -fn "$1" >fsck.log 2>&1 || {
		cat fsck.log >&2
		fail "e2fsck -fn $1 finds something"
	}
}

if [ -z "${WORK:-}" ]; then
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/ext4d-test.XXXXXX")
	WORK_IS_OURS=1
fi
WORK=$(cd "$WORK" && pwd -P)
cd "$WORK"
chmod 755 "$WORK"

at_end()
{
	local status=$?

	cd /
	release_dir "$WORK"
	[ -z "${WORK_IS_OURS:-}" ] || rm -rf "$WORK"
	exit "$status"
}
trap at_end EXIT
trap 'exit 130' INT TERM
