#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SQLite: several processes write to one database, with a write-ahead log and with each kind of rollback
# journal; writers and then the server are killed at random moments. The database stays whole and has
# every commit that was acknowledged.
#
#   ROUNDS  kills of the writers and kills of the server (8)
# Time limit: 600
. "${0%/*}/../lib/programs.sh"

ROUNDS=${ROUNDS:-8}
WRITERS="1 2 3"
ACCOUNTS=40
MODES=(wal delete truncate persist)
acknowledged=0

db()
{
	sqlite3 -batch -bail -cmd '.timeout 30000' mnt/db "$@"
}

# Commits that are there after a power cut: without EXTRA, DELETE forgets to sync the directory from which
# the journal is removed.
durably()
{
	case $1 in
	delete) echo EXTRA ;;
	*) echo FULL ;;
	esac
}

# statements MODE WRITER FIRST COUNT: transactions that move something from one account to another, each
# followed by its number as the acknowledgement.
statements()
{
	local n id=$2 last=$(($3 + $4 - 1))

	# of the kinds of journals, only wal is remembered by the database
	printf '%s\n' ".output /dev/null" "PRAGMA journal_mode=$1;" ".output" "PRAGMA synchronous=$(durably "$1");"
	for ((n = $3; n <= last; n++)); do
		printf '%s\n' "BEGIN IMMEDIATE;" \
			"INSERT INTO log VALUES($id, $n, hex(randomblob($((n * 37 % 1000)))));" \
			"UPDATE account SET v = v - $n WHERE id = $((n % ACCOUNTS));" \
			"UPDATE account SET v = v + $n WHERE id = $(((n * 7 + id) % ACCOUNTS));" \
			"UPDATE log SET body = hex(randomblob($((n * 91 % 1000))))
				WHERE writer = $id AND n = $((n - 50));" \
			"COMMIT;" "SELECT $n;"
	done
}

# start_writers MODE FIRST COUNT: their process ids are in $writers, their acknowledgements in acks.N.
start_writers()
{
	local id

	writers=()
	for id in $WRITERS; do
		statements "$1" "$id" "$2" "$3" >"sql.$id"
		: >"acks.$id"
	done
	for id in $WRITERS; do
		stdbuf -oL sqlite3 -batch -bail -cmd '.timeout 30000' mnt/db <"sql.$id" >"acks.$id" 2>"errors.$id" &
		writers+=($!)
	done
}

wait_for_writers()
{
	local pid

	for pid in "${writers[@]}"; do
		wait "$pid" || fail "a writer ended with $?: $(cat errors.*)"
	done
}

# At a random moment, but not before the first commit.
random_moment()
{
	wait_until 60 eval "[ -n \"\$(cat acks.*)\" ]" || fail "nothing is committed: $(cat errors.*)"
	sleep "0.$(printf %03d $((RANDOM % 250)))"
}

mode()
{
	equal "the journal mode" "$1" "$(db "PRAGMA journal_mode=$1;")"
}

# check FIRST: what the writers were told about is there, and nothing half.
check()
{
	local id last

	equal integrity_check ok "$(db 'PRAGMA integrity_check;')"
	equal "the sum of all accounts" 0 "$(db 'SELECT sum(v) FROM account;')"
	for id in $WRITERS; do
		last=$(tail -n 1 "acks.$id")
		[ -n "$last" ] || continue
		acknowledged=$((acknowledged + last - $1 + 1))
		equal "commits of writer $id from $1 to $last" $((last - $1 + 1)) \
			"$(db "SELECT count(*) FROM log WHERE writer = $id AND n BETWEEN $1 AND $last;")"
	done
}

# all_of_it MODE FIRST: no kill.
all_of_it()
{
	start_writers "$1" "$2" 150
	wait_for_writers
}

kill_writers()
{
	local pid

	start_writers "$1" "$2" 600
	random_moment
	for pid in "${writers[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		{ wait "$pid" || true; } 2>/dev/null # bash says who was killed
	done
	check "$2"
}

# SQLite takes no notice if the directory from which it has removed a journal can no longer be opened to be
# synced, and acknowledges. If that can have been so, a commit counts when the next one is acknowledged.
doubt_the_last()
{
	local id

	for id in $WRITERS; do
		sed -i '$d' "acks.$id"
	done
}

kill_the_server()
{
	local pid

	start_writers "$1" "$2" 600
	random_moment
	kill_server
	for pid in "${writers[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	[ "$1" != delete ] || doubt_the_last
	cp --sparse=always image killed
	judge_replayed killed
	up
	check "$2"
}

# What a kill leaves, as e2fsck recovers it.
judge_replayed()
{
	e2fsck -fp "$1" >fsck.log 2>&1 || [ $? = 1 ] || fail "$(cat fsck.log)"
	judge "$1"
}

need_tool sqlite3 stdbuf
new_image 256M -J size=8
up
db 'CREATE TABLE log(writer INT, n INT, body TEXT, PRIMARY KEY(writer, n));
	CREATE INDEX bodies ON log(body);
	CREATE TABLE account(id INTEGER PRIMARY KEY, v INT);'
db "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < $ACCOUNTS - 1)
	INSERT INTO account SELECT i, 0 FROM c;"

first=1
for mode in "${MODES[@]}"; do
	mode "$mode"
	part "sqlite-$mode" all_of_it "$mode" $first
	check $first
	first=$((first + 10000))
done
settle

up
for ((round = 0; round < ROUNDS; round++)); do
	mode=${MODES[round % ${#MODES[@]}]}
	mode "$mode"
	kill_writers "$mode" $first
	first=$((first + 10000))
done
echo "$ROUNDS kills of the writers: $acknowledged commits acknowledged and there"

acknowledged=0
if on_ext4d; then
	for ((round = 0; round < ROUNDS; round++)); do
		mode=${MODES[round % ${#MODES[@]}]}
		mode "$mode"
		kill_the_server "$mode" $first
		first=$((first + 10000))
	done
	echo "$ROUNDS kills of the server: $acknowledged commits acknowledged and there"
fi
db 'VACUUM;'
equal "integrity_check after VACUUM" ok "$(db 'PRAGMA integrity_check;')"
settle
