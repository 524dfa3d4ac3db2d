# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that let tests/posix/look do the same on the kernel's ext4 and on ext4d, on two copies
# of one image, and compare what it saw, line by line. What differs with a reason stands in
# tests/posix/known: blocks of a reason (# lines) and of what ext4d says then, "TOPIC: WHAT = VALUE",
# where * in it stands for anything.

# shellcheck source=tests/lib/test.sh
. "$(dirname "${BASH_SOURCE[0]}")/test.sh"

POSIX_OPTIONS=rw
POSIX_NO_JUDGE= # not empty: the image was not whole before

posix_images()
{
	need_loop
	need_tool mke2fs e2fsck debugfs
	make_image kernel.img "$@"
	cp --sparse=always kernel.img engine.img
	: >kernel.lines
	: >engine.lines
}

# look_at WHERE TOPIC...: the lines, each with its topic, appended to WHERE.lines.
look_at()
{
	local where=$1

	shift
	"$(tool posix/look)" "$where" "$@" >"$where.raw" || fail "look ended with $? on $where"
	awk '/^topic / { topic = $2; next } { print topic ": " $0 }' "$where.raw" >>"$where.lines"
}

# posix_look TOPIC...: mounts both, looks, unmounts. POSIX_OPTIONS are the mount's, as both know them.
posix_look()
{
	kmount kernel.img kernel "$POSIX_OPTIONS"
	look_at kernel "$@"
	kumount kernel
	emount engine.img engine -o "$POSIX_OPTIONS"
	look_at engine "$@"
	eumount engine
}

# What the topics left, away: they make it anew.
posix_clean()
{
	kmount kernel.img kernel
	find kernel -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -r {} +
	kumount kernel
	emount engine.img engine -o rw
	find engine -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -r {} +
	eumount engine
}

# Line by line: both programs print the same number of them. What is not known is shown, the kernel's line (<)
# and ours (>).
posix_compare()
{
	[ -n "${POSIX_NO_JUDGE:-}" ] || judge engine.img
	equal "the number of lines" "$(wc -l <kernel.lines)" "$(wc -l <engine.lines)"
	paste -d '\n' kernel.lines engine.lines | awk -v known="$TOP/tests/posix/known" '
		BEGIN {
			while ((getline line <known) > 0) {
				if (line ~ /^#/ || line == "") continue
				if (line !~ /\*/) { exact[line] = 1; continue }
				gsub(/[][\\.^$()+?{}|]/, "\\\\&", line)
				gsub(/\*/, ".*", line)
				pattern[++n] = "^" line "$"
			}
		}
		NR % 2 { kernel = $0; next }
		$0 != kernel {
			differ++
			if ($0 in exact) next
			for (i = 1; i <= n; i++)
				if ($0 ~ pattern[i]) next
			unknown++
			print "< " kernel
			print "> " $0
		}
		END {
			printf "%d lines, %d differ, %d of them without a known reason\n", NR / 2, differ, unknown
			exit unknown > 0
		}' || fail "differs (< kernel, > ext4d)"
}
