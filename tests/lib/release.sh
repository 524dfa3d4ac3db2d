# SPDX-License-Identifier: GPL-2.0-or-later
# Takes down what a test left behind under its directory. Used by the tests when they end and by
# the runner when a test was killed.

# Mountpoints under the directory $1, innermost first, one a line.
mounts_under()
{
	awk -v dir="$1/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

# Processes that have a file below the directory $1 open. The caller has left it by then, and
# nobody else has business in a test's private directory.
processes_under()
{
	{ find /proc/[0-9]*/fd /proc/[0-9]*/exe /proc/[0-9]*/cwd -maxdepth 1 -lname "$1/*" \
		2>/dev/null || true; } | cut -d/ -f3 | sort -un
}

release_dir()
{
	local dir=$1 path pid loop

	mounts_under "$dir" | while read -r path; do
		path=$(printf '%b' "$path")
		umount -l "$path" 2>/dev/null || fusermount3 -u -z "$path" 2>/dev/null || true
	done
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -n "$(processes_under "$dir")" ] || break
		sleep 0.1
	done
	for pid in $(processes_under "$dir"); do
		[ "$pid" = $$ ] || kill -KILL "$pid" 2>/dev/null || true
	done
	[ "$(id -u)" = 0 ] || return 0
	losetup -n -O NAME,BACK-FILE 2>/dev/null | while read -r loop path; do
		case $path in
		"$dir"/*) losetup -d "$loop" 2>/dev/null || true ;;
		esac
	done
}
