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

# What is not known, in unknown.lines: the kernel's line (<) and ours (>).
posix_compare()
{
	local nr

	[ -n "${POSIX_NO_JUDGE:-}" ] || judge engine.img
	diff kernel.lines engine.lines >all.diff || true
	sed -n 's/^> //p' all.diff >ours
	# Patterns without * are looked up, the others tried one after the other.
	awk 'NR == FNR {
			if (/^#/ || !NF) next
			if (!/\*/) { exact[$0] = 1; next }
			gsub(/[][\\.^$()+?{}|]/, "\\\\&"); gsub(/\*/, ".*"); pattern[++n] = "^" $0 "$"
			next
		}
		{
			known = $0 in exact
			for (i = 1; i <= n && !known; i++)
				known = $0 ~ pattern[i]
			if (!known) print
		}' "$TOP/tests/posix/known" ours >unknown
	equal "the number of lines" "$(wc -l <kernel.lines)" "$(wc -l <engine.lines)"
	nr=$(wc -l <unknown)
	echo "$(wc -l <kernel.lines) lines, $(wc -l <ours) differ, $nr of them without a known reason"
	[ "$nr" = 0 ] && return
	paste -d '\n' kernel.lines engine.lines | awk 'NR == FNR { new[$0] = 1; next }
		FNR % 2 { kernel = $0; next }
		$0 != kernel && $0 in new { print "< " kernel; print "> " $0 }' unknown - | head -400 >&2
	fail "differs (< kernel, > ext4d)"
}
