#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PostgreSQL, with checksums, as a plain user: initdb, pgbench; its postmaster is killed, and then the server of
# the filesystem. It recovers, every page and index is whole, and what it acknowledged is there.
#
#   ROUNDS  kills of each kind (2)
# Time limit: 300
. "${0%/*}/../lib/programs.sh"

ROUNDS=${ROUNDS:-2}
BIN=$(find /usr/lib/postgresql -path '*/bin/postgres' -type f 2>/dev/null | sort -V | tail -n 1)
BIN=${BIN%/postgres}
[ -n "$BIN" ] || skip "needs PostgreSQL"
need_root
DB=$WORK/mnt/db
acknowledged=0

as_db()
{
	runuser -u nobody -- "$@"
}

sql()
{
	as_db "$BIN/psql" -qAtX -h "$WORK/socket" -d postgres -v ON_ERROR_STOP=1 -c "$1"
}

init()
{
	as_db "$BIN/initdb" -D "$DB" -k -A trust -E UTF8 --locale=C >init.log 2>&1 || fail "initdb: $(cat init.log)"
	cat >>"$DB/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$WORK/socket'
		shared_buffers = 16MB
		max_wal_size = 64MB
		checkpoint_timeout = 30s
		wal_sync_method = ${1:-fdatasync}
	END
}

start()
{
	as_db "$BIN/pg_ctl" -D "$DB" -l "$WORK/socket/log" -w -t 60 start >start.log 2>&1 ||
		fail "pg_ctl start: $(cat start.log socket/log)"
	read -r postmaster <"$DB/postmaster.pid"
}

stop()
{
	as_db "$BIN/pg_ctl" -D "$DB" -m fast -w -t 60 stop >stop.log 2>&1 || fail "pg_ctl stop: $(cat stop.log)"
}

bench()
{
	as_db "$BIN/pgbench" -n -h "$WORK/socket" -c 4 -j 2 "$@" postgres
}

fill()
{
	as_db "$BIN/pgbench" -q -i -s 2 -h "$WORK/socket" postgres >pgbench.log 2>&1 ||
		fail "pgbench -i: $(cat pgbench.log)"
	sql "CREATE EXTENSION amcheck"
}

transactions()
{
	bench -t 250 >pgbench.log 2>&1 || fail "pgbench: $(cat pgbench.log)"
	acknowledged=$((acknowledged + $(processed)))
}

# What pgbench has been told is committed.
processed()
{
	local nr

	nr=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' pgbench.log)
	echo "${nr:-0}"
}

# Each transaction leaves a line in the history, and changes three balances by the same amount.
check()
{
	local history sums

	history=$(sql "SELECT count(*) FROM pgbench_history")
	[ "$history" -ge "$acknowledged" ] || fail "$1: $history of $acknowledged transactions are there"
	sums=$(sql "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = d AND
		(SELECT sum(tbalance) FROM pgbench_tellers) = d AND
		(SELECT sum(bbalance) FROM pgbench_branches) = d
		FROM (SELECT coalesce(sum(delta), 0) AS d FROM pgbench_history) AS s")
	equal "$1: the balances agree" t "$sums"
	as_db "$BIN/pg_amcheck" -h "$WORK/socket" --heapallindexed -d postgres >amcheck.log 2>&1 ||
		fail "$1: pg_amcheck: $(cat amcheck.log)"
	# what is not acknowledged may be there all the same: from now on it has to be
	acknowledged=$history
}

checksums()
{
	as_db "$BIN/pg_checksums" -D "$DB" --check >checksums.log 2>&1 || fail "$1: $(cat checksums.log)"
	grep -qx 'Bad checksums: *0' checksums.log || fail "$1: $(cat checksums.log)"
}

# Whoever was started by the postmaster ends when it is gone, as soon as it notices. The number of the postmaster
# has to be gone too, or the next one would take it for running.
postmaster_is_gone()
{
	local pid

	[ ! -e "/proc/$postmaster" ] || return 1
	for pid in "${children[@]}"; do
		is_gone "$pid" || return 1
	done
}

# run_and KILL...: pgbench runs, and the command comes at a random moment.
run_and()
{
	local bench_pid

	bench -T 30 >pgbench.log 2>&1 &
	bench_pid=$!
	sleep "1.$(printf %03d $((RANDOM % 1000)))"
	mapfile -t children < <(ps -o pid= --ppid "$postmaster" | tr -d ' ')
	"$@"
	wait $bench_pid || true
	acknowledged=$((acknowledged + $(processed)))
}

kill_postmaster()
{
	kill -KILL "$postmaster"
	wait_until 30 postmaster_is_gone || kill -KILL "${children[@]}" 2>/dev/null || true
	wait_until 30 postmaster_is_gone || fail "processes of PostgreSQL are left"
}

# Its processes can do nothing any more without their files, but not all notice.
kill_both()
{
	kill_server
	kill -KILL "$postmaster" "${children[@]}" 2>/dev/null || true
	wait_until 30 postmaster_is_gone || fail "processes of PostgreSQL are left"
	umount -l mnt 2>/dev/null || true
	cp --sparse=always image killed
	e2fsck -fp killed >fsck.log 2>&1 || [ $? = 1 ] || fail "$(cat fsck.log)"
	judge killed
	up
}

mkdir socket
chown nobody socket
# one that is ended by a signal leaves its semaphores and shared memory behind, for the next start to find
new_image 512M -b 4096
up
mkdir -m 700 mnt/db
chown nobody mnt/db
part postgres-initdb init
start
part postgres-fill fill
part postgres-bench transactions
check "at first"
stop
checksums "at first"
settle

up
start
for ((round = 0; round < ROUNDS; round++)); do
	run_and kill_postmaster
	start
	check "postmaster killed"
done
if on_ext4d; then
	for ((round = 0; round < ROUNDS; round++)); do
		run_and kill_both
		start
		check "server killed"
	done
fi
stop
checksums "after the kills"
echo "$acknowledged transactions are there"
settle
