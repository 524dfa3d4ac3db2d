# SPDX-License-Identifier: GPL-2.0-or-later
# Real programs, for tests/bench/run: what they work on, and how each is started once.
#
# A workload is program_NAME; it may use $MNT, the tree below, on a fresh mount, and what its line
# did before it. It prints the nanoseconds. The tree, filled by the kernel:
#   source/   5000 files in 250 directories, under git
#   project/  C files and a Makefile
#   root/     programs, the libraries they need, and /starts, a script that starts each of them
PROJECT_FILES=200 STARTS=${QUICK:+100}
STARTS=${STARTS:-300}

# What each workload cannot do without.
declare -A NEEDS=([cold-tar]=tar [git-status]=git [git-clone]=git [build]="make cc" [sqlite]=sqlite3
	[start]="chroot ldd" [rm-tree]=rm [rm-tree-2]=rm)

# The repository is packed, and older than its index: git need not look into the files.
make_repository()
{
	mkdir "$1"
	tar -C "$1" -xf source.tar
	find "$1" -exec touch -d '1 hour ago' {} +
	git -C "$1" init -q
	git -C "$1" add .
	git -C "$1" -c user.name=bench -c user.email=bench@localhost commit -q -m all
	git -C "$1" repack -adq
}

make_project()
{
	local i

	mkdir "$1"
	echo 'int use(int x);' >"$1/all.h"
	for ((i = 0; i < PROJECT_FILES; i++)); do
		printf '#include <stdio.h>\n#include <stdlib.h>\n#include "all.h"\n%s\n' \
			"int f$i(int x) { printf(\"%d\\n\", x + $i); return abs(x) % ($i + 1); }"
	done | split -l 4 -a 3 -d --additional-suffix=.c - "$1/f"
	echo 'int main(void) { return 0; }' >"$1/main.c"
	cat >"$1/Makefile" <<-'END'
		objects = $(patsubst %.c,%.o,$(wildcard *.c))
		program: $(objects); cc -o $@ $(objects)
		%.o: %.c all.h; cc -O0 -c -o $@ $<
	END
}

# Copies a program and what it is linked with.
copy_program()
{
	local files

	files=$(ldd "$2" 2>/dev/null | grep -o '/[^ ]*') || return 1
	cp -L --parents -u $files "$2" "$1"
}

# Only what says its version when it is started without rights, input and devices belongs to it.
make_root()
{
	local path started=0

	mkdir "$1"
	copy_program "$1" /bin/bash
	for path in /usr/bin/*; do
		[ "$started" -lt "$STARTS" ] || break
		[ -f "$path" ] && [ "$(stat -L -c %s "$path")" -lt 2000000 ] || continue
		copy_program "$1" "$path" || continue
		timeout 2 chroot --userspec=65534:65534 "$1" "$path" --version >/dev/null 2>&1 \
			</dev/null || continue
		echo "$path --version"
		started=$((started + 1))
	done >"$1/starts"
}

fill_programs()
{
	! command -v git >/dev/null || make_repository "$1/source"
	make_project "$1/project"
	! command -v ldd >/dev/null || make_root "$1/root"
}

# For the workload $1; says what is missing.
has_programs()
{
	local program

	for program in ${NEEDS[$1]}; do
		command -v "$program" >/dev/null || {
			echo "no $program here: leaving $1 out" >&2
			return 1
		}
	done
}

# Operations of which the workload $1 is made.
program_ops()
{
	case $1 in
	cold-tar | rm-tree*) wc -l <source.list ;;
	sqlite) wc -l <inserts.sql ;;
	start) wc -l <"$MNT/root/starts" ;;
	*) echo 1 ;;
	esac
}

# To a pipe: tar does not read files for /dev/null.
program_cold_tar()
{
	time_ns sh -c 'tar -C "$0" --exclude=.git -cf - . | cat' "$MNT/source"
}

program_git_status()
{
	time_ns git -C "$MNT/source" --no-optional-locks status
}

program_git_clone()
{
	time_ns git clone -q --no-local "$MNT/source" "$MNT/clone"
}

program_build()
{
	time_ns make -s -j2 -C "$MNT/project"
}

program_sqlite()
{
	time_ns sh -c 'sqlite3 "$0/db" <inserts.sql' "$MNT"
}

program_start()
{
	time_ns chroot "$MNT/root" /bin/bash -c '. /starts; true' </dev/null
}

program_rm_tree()
{
	time_ns rm -r "$MNT/source"
}

# Two at once, each half of the directories.
program_rm_tree_2()
{
	time_ns sh -c 'rm -r "$0"/d*[02468] & rm -r "$0"/d*[13579] && wait $!' "$MNT/source"
}

# What the program has written belongs to no measurement, the next one's least of all.
run_program()
{
	local round=$1 system=$2 name=$3 ns ops before=0 after=-1

	has_programs "$name" || return 0
	ops=$(program_ops "$name")
	[ -z "$SERVER" ] || before=$(replies)
	ns=$("program_${name//-/_}") || ns=
	[ -z "$SERVER" ] || after=$(replies)
	record "$round" "$system" "$name" "${ns:+ops=$ops ns=$ns requests=$((after - before)) $(server_memory)}"
	sync -f "$MNT"
}
