# SPDX-License-Identifier: GPL-2.0-or-later
# The sections of tests/bench/run that are asked for by name: latency, million, fio. Each records
# its measurements, and has a block of tables of its own in the document.

# ---- latency: small operations while others work, once for each load ----

LOADS='write truncate fragmented fsync remove'

# Sparse: 10 GiB are allocated, never written. What the kernel prepares is there for the floor too,
# but for what is truncated.
make_latency_image()
{
	truncate -s 16G latency.img
	mke2fs -q -F -t ext4 -E nodiscard,lazy_itable_init=1 latency.img
	kmount latency.img "$MNT" noinit_itable
	"$CLIENT" $(shape_args latency) fill "$MNT" >/dev/null
	truncate -s "$LATENCY_BYTES" "$MNT/d0000000/f0000000"
	"$CLIENT" -n "$LATENCY_EXTENTS" latency-fill "$MNT" >/dev/null
	kumount "$MNT"
}

latency_once()
{
	local round=$1 system=$2 load=$3 out

	rm -f latency-copy.img
	cp --sparse=always latency.img latency-copy.img
	system_mount "$system" latency rw
	out=$(timeout -k 1 "$LIMIT" "$CLIENT" $(shape_args latency) -l "$LATENCY_BYTES" \
		-n "$LATENCY_FILES" "latency-$load" "$MNT") || out=failed
	record "$round" "$system" "latency-$load" "$out" "$(server_memory)"
	system_umount
}

run_latency()
{
	local round load system

	make_latency_image
	for ((round = 1; round <= ROUNDS; round++)); do
		for load in $LOADS; do
			is_wanted "latency latency-$load" || continue
			for system in $(systems_of_round "$round"); do
				# its files have no blocks that could be freed
				[[ $system/$load != floor/@(truncate|fragmented) ]] || continue
				latency_once "$round" "$system" "$load"
			done
		done
	done
	rm latency.img latency-copy.img
}

# ---- million: one directory, once ----

# Each of the four on a fresh mount; what it removes it also had to look for.
million_once()
{
	local system=$1 step out mode server

	[ "$system" = floor ] || format million
	for step in create list stat unlink; do
		mode=ro
		[[ $step != @(create|unlink) ]] || mode=rw
		MILLION_THERE=full
		[ "$step" != create ] || MILLION_THERE=empty
		system_mount "$system" million "$mode"
		out=$(timeout -k 1 "$MILLION_LIMIT" "$CLIENT" $(shape_args million) -n "$MILLION" \
			${SERVER:+-p "$SERVER"} "names-$step" "$MNT") || out=failed
		record 1 "$system" "names-$step" "$out" "$(server_memory)"
		system_umount
		[ "$out" != failed ] || return 0
	done
}

run_million()
{
	local system

	for system in $SYSTEMS; do
		[ "$system" = fuse2fs ] || million_once "$system"
	done
	rm -f million.img
}

# ---- fio ----

# Bytes a second of one job description; the file is one that is there.
fio_once()
{
	local round=$1 system=$2 pattern=$3 direct=$4 block=$5 jobs=$6 share out

	share=$((${SHAPE[data]##* } / jobs))
	# terse version 3: kibibytes and milliseconds of reading, then of writing
	out=$(timeout -k 1 "$LIMIT" fio --name=bench --filename="$MNT/d0000000/f0000000" \
		--ioengine=psync --thread --rw="$pattern" --direct="$direct" --bs="$block" \
		--numjobs="$jobs" --size="$share" --offset_increment="$share" --time_based \
		--runtime=1 --allow_file_create=0 --group_reporting --output-format=terse \
		--terse-version=3 </dev/null 2>fio.log |
		awk -F';' '$1 == 3 {
			kib = $6 + $47
			ms = $9 > $50 ? $9 : $50
			printf "ops=%d ns=%d bytes=%d\n", kib * 1024 / 4096, ms * 1000000, kib * 1024
		}') || out=failed
	record "$round" "$system" "fio-$pattern-$direct-$block-$jobs" "$out" "$(server_memory)"
}

fio_all()
{
	local pattern direct block jobs

	for pattern in read randread write randwrite; do
		for direct in 0 1; do
			for block in 4k 1m; do
				for jobs in 1 8; do
					is_wanted "data fio-$pattern-$direct-$block-$jobs" || continue
					fio_once "$1" "$2" "$pattern" "$direct" "$block" "$jobs"
				done
			done
		done
	done
}

run_fio()
{
	local round system

	command -v fio >/dev/null || {
		echo "no fio here: leaving its section out" >&2
		return 0
	}
	[ -e data.img ] || make_tree data
	for ((round = 1; round <= ROUNDS; round++)); do
		for system in $(systems_of_round "$round"); do
			system_mount "$system" data rw
			fio_all "$round" "$system"
			system_umount
		done
	done
}
