#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 420
# Every image of the corpus, most of them damaged: mounted to be written to with the sanitizers' build,
# changed and unmounted within limits; what e2fsck finds nothing in before has nothing after. That a
# damaged one refuses any of the changes is fine; differences.txt has which are not mounted.
#
# EXT4D_CORPUS as for corpus.sh.
. "${0%/*}/../lib/test.sh"

SECONDS_MAX=20
KILOBYTES_MAX=262144

corpus=${EXT4D_CORPUS:-$TOP/../shared/corpus}
[ -d "$corpus" ] || skip "the corpus of images is not here: $corpus"
need_root
[ -x "${EXT4D_ASAN:-}" ] || skip "needs EXT4D_ASAN, a program built with --enable-sanitizers"
table=$TOP/tests/corpus/differences.txt
bad=0 mounted=0 checked=0

complain()
{
	echo "$name: $*" >&2
	bad=$((bad + 1))
}

# Whether the image must not be mounted.
must_refuse()
{
	awk -F'\t' -v image="$name" '
		$1 == image && ($2 == "REFUSED" || $2 == "UNWRITABLE") { found = 1 }
		END { exit !found }' "$table"
}

# Whether e2fsck finds nothing in the image $1, once its journal is replayed.
is_clean()
{
	cp --sparse=always "$1" copy
	e2fsck -fy -E journal_only copy >fsck.log 2>&1 || true
	timeout 60 e2fsck -fn copy >fsck.log 2>&1
}

# Changes to new objects and to some that are there. $1: where.
change()
{
	local dir=$1 path

	mkdir "$dir/new"
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "$i" >"$dir/new/file$i"
	done
	head -c 300000 /dev/zero | tr '\0' x >"$dir/new/large"
	truncate -s 5M "$dir/new/large"
	ln "$dir/new/large" "$dir/new/second"
	ln -s target "$dir/new/fast"
	mkfifo "$dir/new/fifo"
	setfattr -n user.a -v "$(printf '%0200d' 1)" "$dir/new/file1"
	mv "$dir/new/file2" "$dir/moved"
	mv "$dir/new/file3" "$dir/new/file4"
	rm "$dir/new/file5"
	fallocate -p -o 4096 -l 65536 "$dir/new/large"
	find "$dir" -xdev -maxdepth 3 2>/dev/null | head -n 40 >paths
	while read -r path; do
		chmod u+rw "$path"
		setfattr -n user.b -v value "$path"
		[ ! -f "$path" ] || echo appended >>"$path"
		[ ! -d "$path" ] || echo new >"$path/added"
	done <paths
	sed -n '10,$p' paths | while read -r path; do
		mv "$path" "$path.renamed"
		[ ! -f "$path.renamed" ] || rm "$path.renamed"
	done
	rmdir "$dir"/*
	sync -f "$dir"
}

check_end()
{
	local status=0 file

	wait "$server" || status=$?
	[ "$status" = 0 ] || [ "$status" = 32 ] || [ "$status" = 1 ] ||
		complain "exit status $status: $(tail -n 3 server.log)"
	for file in sanitizer.*; do
		[ ! -e "$file" ] || complain "$(head -n 30 "$file")"
		rm -f "$file"
	done
}

run_one()
{
	local clean='' start=$SECONDS kb

	! is_clean image || clean=1
	"$EXT4D_ASAN" image mnt -f -o rw 2>server.log &
	server=$!
	wait_until "$SECONDS_MAX" eval 'is_mounted mnt || is_gone $server' || {
		complain "neither mounted nor refused in time"
		kill -KILL "$server"
	}
	if ! is_mounted mnt; then
		check_end
		must_refuse || complain "refused: $(cat server.log)"
		return
	fi
	! must_refuse || complain "mounted, and should have been refused"
	mounted=$((mounted + 1))
	(change mnt) >change.log 2>&1 &
	changer=$!
	wait_until "$SECONDS_MAX" is_gone "$changer" || {
		complain "changes hang: $(tail -n 1 change.log)"
		kill -KILL "$server" "$changer"
	}
	wait "$changer" || true
	kb=$(awk '/^VmHWM:/ { print $2 }' "/proc/$server/status")
	timeout "$SECONDS_MAX" umount mnt || {
		complain "cannot unmount"
		umount -l mnt
		kill -KILL "$server"
	}
	check_end
	[ $((SECONDS - start)) -le "$SECONDS_MAX" ] || complain "took $((SECONDS - start)) s"
	[ "${kb:-0}" -le "$KILOBYTES_MAX" ] || complain "took $kb KiB"
	if [ -n "$clean" ]; then
		checked=$((checked + 1))
		is_clean image || complain "e2fsck: $(head -n 8 fsck.log)"
	fi
}

mkdir mnt
export ASAN_OPTIONS=quarantine_size_mb=1:log_path=$WORK/sanitizer
export UBSAN_OPTIONS=print_stacktrace=1:log_path=$WORK/sanitizer
count=0
for file in "$corpus"/*.img.gz; do
	name=${file##*/}
	name=${name%.img.gz}
	gunzip -c "$file" >image
	run_one
	count=$((count + 1))
done
[ "$count" -gt 0 ] || skip "the corpus of images is empty: $corpus"
echo "$count images, $mounted mounted, $checked clean before and after"
[ "$bad" = 0 ] || fail "$bad complaints"
