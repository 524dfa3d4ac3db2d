#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 420
# Alone
# Every image of the corpus, most of them damaged: mounted with the sanitizers' build, walked, read
# and unmounted within limits, and equal to what debugfs extracts after the journal's replay.
#
# EXT4D_CORPUS names the folder of *.img.gz; without it, ../shared/corpus beside the checkout.
. "${0%/*}/../lib/test.sh"

SECONDS_MAX=20
KILOBYTES_MAX=262144

corpus=${EXT4D_CORPUS:-$TOP/../shared/corpus}
[ -d "$corpus" ] || skip "the corpus of images is not here: $corpus"
need_root
[ -x "${EXT4D_ASAN:-}" ] || skip "needs EXT4D_ASAN, a program built with --enable-sanitizers"
treedump=$(tool image/treedump)
table=$TOP/tests/corpus/differences.txt
bad=0

complain()
{
	echo "$name: $*" >&2
	bad=$((bad + 1))
}

# Patterns of the paths of image $1 that may differ.
patterns()
{
	awk -F'\t' -v image="$1" '$1 == image { print $2 }' "$table"
}

# Removes from stdin the lines about paths that may differ, and what lies below them.
without_excused()
{
	awk '
		BEGIN {
			while ((getline pattern < "patterns") > 0) {
				gsub(/\./, "[.]", pattern)
				gsub(/\*/, ".*", pattern)
				list[++n] = "^" pattern "(/.*)?$"
			}
		}
		{
			for (i = 1; i <= n; i++)
				if ($1 ~ list[i])
					next
			print
		}'
}

# The limit is on mounting, walking, reading all and unmounting: $spent is what these took, in ms.
timed()
{
	local start

	start=$(date +%s%N)
	"$@"
	spent=$((spent + ($(date +%s%N) - start) / 1000000))
}

# Mounts, with the server as a child, whose exit status and memory can be asked for.
start()
{
	"$EXT4D_ASAN" image mnt -f -o ro 2>server.log &
	server=$!
	wait_until "$SECONDS_MAX" eval 'is_mounted mnt || is_gone $server' || {
		complain "neither mounted nor refused in time"
		kill -KILL "$server"
	}
}

# The server ends with 0 (or $1), by no signal, and no sanitizer has anything to say.
check_end()
{
	local status=0 file

	wait "$server" || status=$?
	[ "$status" = "$1" ] || complain "exit status $status instead of $1: $(tail -n 3 server.log)"
	for file in sanitizer.*; do
		[ ! -e "$file" ] || complain "$(head -n 30 "$file")"
		rm -f "$file"
	done
}

check_refused()
{
	check_end 32
	[ "$(grep -c '' server.log)" = 1 ] && grep -q '^ext4d: ' server.log ||
		complain "refused, but not with one line: $(head -n 3 server.log)"
}

read_all()
{
	timeout "$SECONDS_MAX" "$treedump" mnt >full.tree || [ $? = 1 ] || complain "walk: status $?"
}

unmount()
{
	timeout "$SECONDS_MAX" "$EXT4D_ASAN" --unmount mnt || {
		complain "cannot unmount"
		umount -l mnt
		kill -KILL "$server"
	}
}

walk()
{
	local kb

	timed read_all
	timeout "$SECONDS_MAX" "$treedump" -n contents -s lost+found mnt >ext4d.tree || [ $? = 1 ] ||
		complain "second walk: status $?"
	kb=$(awk '/^VmHWM:/ { print $2 }' "/proc/$server/status")
	timed unmount
	[ "$spent" -le $((SECONDS_MAX * 1000)) ] || complain "took $spent ms"
	[ "$kb" -le "$KILOBYTES_MAX" ] || complain "took $kb KiB"
	check_end 0
	without_excused <full.tree >kept.tree
	! grep ' error ' kept.tree >unexpected || complain "unexpected: $(head -n 3 unexpected)"
}

compare_with_debugfs()
{
	rm -rf extracted
	mkdir extracted
	if dumpe2fs -h image 2>/dev/null | has needs_recovery; then
		e2fsck -fy -E journal_only image >fsck.log 2>&1 || true
	fi
	if grep -qx DEBUGFS patterns; then
		return
	fi
	timeout "$SECONDS_MAX" debugfs -R "rdump / extracted" image >debugfs.log 2>&1 || true
	"$treedump" -n contents -s lost+found extracted | without_excused >debugfs.tree
	without_excused <ext4d.tree >kept.tree
	cmp -s debugfs.tree kept.tree ||
		complain "differs from debugfs (<): $(diff debugfs.tree kept.tree | head -n 5)"
}

mkdir mnt
export ASAN_OPTIONS=quarantine_size_mb=1:log_path=$WORK/sanitizer
export UBSAN_OPTIONS=print_stacktrace=1:log_path=$WORK/sanitizer
count=0 slowest=0
for file in "$corpus"/*.img.gz; do
	name=${file##*/}
	name=${name%.img.gz}
	gunzip -c "$file" >image
	before=$(sha256sum <image)
	patterns "$name" >patterns
	spent=0
	timed start
	if is_mounted mnt; then
		walk
		equal "$name: the image" "$before" "$(sha256sum <image)"
		! grep -qx REFUSED patterns || complain "should have been refused"
		compare_with_debugfs
	else
		check_refused
		grep -qx REFUSED patterns || complain "refused: $(cat server.log)"
	fi
	count=$((count + 1))
	[ "$spent" -le "$slowest" ] || { slowest=$spent; slowest_name=$name; }
done
[ "$count" -gt 0 ] || skip "the corpus of images is empty: $corpus"
echo "$count images, the slowest $slowest_name with $slowest ms"
[ "$bad" = 0 ] || fail "$bad complaints"
