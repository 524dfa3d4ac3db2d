# SPDX-License-Identifier: GPL-2.0-or-later
# Takes down what a test left behind under its directory. Used by the tests when they end and by
# the runners, whose tests are killed or who are told to end themselves.

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

# in_dir DIR LOG COMMAND...: runs it in DIR, with a process group of its own or what else the command makes of
# it, then takes down and removes what is there. SIGINT and SIGTERM are passed on as SIGTERM, and it is waited
# for all the same. The status is the command's, or 130 if we were told to end.
in_dir()
{
	local dir=$1 log=$2 pid told='' status=0

	shift 2
	# a shell's background jobs ignore SIGINT
	(cd "$dir" && WORK=$dir TMPDIR=$dir exec env --default-signal=INT,QUIT "$@") >"$log" 2>&1 </dev/null &
	pid=$!
	trap 'kill -TERM "$pid" 2>/dev/null; told=1' INT TERM
	wait "$pid" || status=$?
	# a signal ends the first wait, not the command
	[ -z "$told" ] || wait "$pid" || true
	release_dir "$dir"
	rm -rf --one-file-system "$dir"
	[ -z "$told" ] || return 130
	return "$status"
}
