#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 of the server at random moments, under four processes that write to the mount: see
# tests/crash/calls.h. What is left is recovered by e2fsck, by ext4d and by the kernel.
#
#   KILL_ROUNDS  how many times (20)
#   KILL_KEEP    directory where the images and logs of bad rounds are kept
#   SEED         of the first round; the moments differ all the same
# Time limit: 600
. "${0%/*}/../lib/image.sh"
. "$TOP/tests/lib/keys.sh"

need_loop
need_tool mke2fs e2fsck
ROUNDS=${KILL_ROUNDS:-20}
CALLS=100000 # more than are made before the kill
WRITERS="0 1 2 3"
SETS=(
	"-t ext4 -b 4096 -J size=4"
	"-t ext4 -b 1024 -J size=2"
	"-t ext4 -b 4096 -O orphan_file -J size=4"
	"-t ext4 -b 4096 -I 256 -O inline_data -J size=4"
	"-t ext4 -b 1024 -O ^metadata_csum,^64bit -J size=1"
	"-t ext4 -b 4096 -O encrypt -J size=4" # with POLICIES
	"-t ext4 -b 4096 -O bigalloc -C 16384 -J size=4"
)
# Of the writers' directories on a filesystem with encrypt; numbers of lib/policy.h.
POLICIES=(1 0 2 1)
# The kernel takes unwritten blocks for data once they are in its page cache, read through another name.
DUMP=(-n map)
in_sync=0 sync_rounds=0

bad()
{
	cat server.log >&2
	if [ -n "${KILL_KEEP:-}" ]; then
		mkdir -p "$KILL_KEEP/$seed"
		# killed is the last round's if a writer had something to complain about
		cp --sparse=always image killed ./*.log log.* "$KILL_KEEP/$seed" || true
	fi
	fail "seed $seed, $mix, killed after $ms ms, mke2fs $set: $*"
}

is_encrypted()
{
	[ "${set/encrypt/}" != "$set" ]
}

# In the foreground, where it says what it finds wrong.
start_server()
{
	mkdir -p mnt
	"$EXT4D" image mnt -f -o rw 2>server.log &
	server=$!
	wait_until 10 is_mounted mnt || bad "ext4d does not mount it"
	! is_encrypted || server_keys mnt
}

# The policy of writer $1.
policy_of()
{
	if is_encrypted; then
		echo "${POLICIES[$1]}"
	else
		echo 0
	fi
}

set_policy()
{
	case $(policy_of "$1") in
	1)
		"$ctl" policy set "mnt/w$1" "$(test_key | "$ctl" key add mnt)"
		;;
	2)
		"$ctl" policy set "mnt/w$1" "$descriptor"
		;;
	esac
}

# Writers that run until the server is killed.
run_writers()
{
	local i server jobs=()

	start_server
	for i in $WRITERS; do
		mkdir -m 777 "mnt/w$i"
		set_policy "$i"
	done
	sync mnt
	for i in $WRITERS; do
		"$(tool crash/writer)" "$mix" "mnt/w$i" "log.$i" "$seed$i" "$CALLS" &
		jobs+=($!)
	done
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -KILL "$server"
	for i in "${jobs[@]}"; do
		wait "$i" || bad "a writer has ended with $?"
	done
	umount mnt || umount -l mnt
	{ wait "$server" || true; } 2>/dev/null # bash says who was killed
	[ ! -s server.log ] || bad "the server has found something wrong"
	cp --sparse=always image killed
}

# check IMAGE WHO: what each writer finds in it, which is what the others have found.
check()
{
	local i

	for i in $WRITERS; do
		"$(tool crash/writer)" check "$1/w$i" "$mix" "log.$i" "$seed$i" "$CALLS" \
			"$(policy_of "$i")" || bad "writer $i, recovered by $2"
	done >"found.$2"
	cmp -s found.e2fsck "found.$2" || bad "e2fsck and $2 recover different states"
}

is_clean()
{
	e2fsck -fn "$1" >fsck.log 2>&1 || {
		cat fsck.log >&2
		bad "e2fsck -fn of what $2 leaves"
	}
}

kill_round()
{
	run_writers

	cp --sparse=always killed e2fsck.img
	"$(tool crash/writer)" judge e2fsck.img || bad "e2fsck after the journal's recovery"
	is_clean e2fsck.img e2fsck
	check e2fsck.img e2fsck

	cp --sparse=always killed own.img
	emount own.img mnt -o rw,noatime
	! is_encrypted || server_keys mnt
	dump own.tree "${DUMP[@]}" mnt
	eumount mnt
	is_clean own.img ext4d
	check own.img ext4d

	cp --sparse=always killed kernel.img
	kmount kernel.img mnt noatime
	! is_encrypted || kernel_keys mnt
	dump kernel.tree "${DUMP[@]}" mnt
	kumount mnt
	is_clean kernel.img kernel
	check kernel.img kernel
	same_text kernel.tree own.tree "the trees differ (< kernel, > ext4d)"
}

for ((round = 0; round < ROUNDS; round++)); do
	seed=$((${SEED:-1} + round))
	set=${SETS[round % ${#SETS[@]}]}
	mix=write
	[ $((round % 5)) != 4 ] || mix=sync
	RANDOM=$seed
	ms=$((50 + RANDOM % 1000))
	# shellcheck disable=SC2086
	make_image image 96M -N 4096 $set
	kill_round
	echo "--- seed $seed, $mix, $ms ms, $set"
	cat found.e2fsck
	if [ "$mix" = sync ]; then
		sync_rounds=$((sync_rounds + 1))
		! grep -Eq 'killed in: (fsync|fdatasync)' found.e2fsck || in_sync=$((in_sync + 1))
	fi
done
echo "$ROUNDS rounds, $in_sync of $sync_rounds with many calls of fsync killed in some of them"
[ "$sync_rounds" -lt 4 ] || [ "$in_sync" -gt 0 ] || fail "no kill has hit an fsync"
