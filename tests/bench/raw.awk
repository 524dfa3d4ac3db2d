# SPDX-License-Identifier: GPL-2.0-or-later
# Reads the raw measurements of tests/bench/run, "ROUND SYSTEM WORKLOAD KEY=VALUE...", for report.awk and
# plot.awk, and knows the workloads: their titles, their order and what is wanted of them.

BEGIN {
	row("walk", "cold walk with stat, 100,000 files", "1.2 kernel")
	row("stat", "cold stat, random order", "0.9 floor")
	row("stat-2", "the same, 2 threads", "")
	row("open", "cold open + read 4 KiB + close", uring ? "2.0 kernel" : "1.0 kernel")
	row("open-2", "the same, 2 threads", "")
	row("warm-stat", "warm stat", "0.95 floor")
	row("warm-miss", "warm look-up of no file", "0.95 floor")
	row("warm-readdir", "warm readdir, per entry", "0.95 floor")
	row("warm-open", "warm open + read + close", "0.95 floor")
	row("seq", "cold sequential read", "1.0 kernel, 1.0 fuse2fs")
	row("par-1", "the same, half as much", "")
	row("par-2", "the same, 2 threads on 2 files", "")
	row("mmap", "cold read through mmap", "")
	row("random", "random 4 KiB direct reads", "1.5 kernel")
	row("random-8", "the same, 8 threads", "1.5 kernel")
	row("create", "create + write 4 KiB + close", "0.9 floor, 2 fuse2fs")
	row("create-2", "the same, 2 threads", "")
	row("create-flat", "the same, in one directory", "0.9 floor, 2 fuse2fs")
	row("unlink", "unlink", "0.9 floor, 2 fuse2fs")
	row("unlink-2", "the same, 2 threads", "")
	row("unlink-flat", "the same, in one directory", "")
	row("untar", "untar, 5000 files of 8 KiB, per name", "0.9 floor, 2 fuse2fs")
	row("write", "sequential write + fsync", "0.9 kernel")
	row("over", "random 4 KiB overwrites + one fsync", "0.8 kernel")
	row("over-direct", "random 4 KiB direct overwrites", "1.5 kernel")
	row("fsync", "4 KiB append + fsync", "0.8 kernel")
	row("fsync-8", "the same, 8 threads on 8 files", "")
	row("cold-tar", "cold tar -c, 5000 files of 8 KiB, per name", "0.9 kernel")
	row("git-status", "cold git status of the same", "")
	row("start", "start of programs in a cold root, each", "0.9 kernel")
	row("git-clone", "git clone of the 5000 files", "")
	row("build", "make -j2 of 200 C files", "")
	row("sqlite", "sqlite3, an insert and commit", "")
	row("rm-tree", "rm -r of the 5000 files, per name", "")
	row("rm-tree-2", "the same, 2 processes", "")
}

{
	delete value
	for (i = 4; i <= NF; i++) {
		split($i, pair, "=")
		value[pair[1]] = pair[2]
		extra[$1, $2, $3, pair[1]] = pair[2]
	}
	if (!value["ns"] || !value["ops"])
		next
	at = $1 SUBSEP $2 SUBSEP $3
	if ($1 > rounds)
		rounds = $1
	seen[$2] = 1
	seen_load[$3] = 1
	cost[at] = value["ns"] / value["ops"]
	rate[at] = value["bytes"] / value["ns"]
	requests[at] = value["requests"] / value["ops"]
	stopped[at] = value["stopped"]
	resident[at] = value["resident"]
	limit[at] = value["limit"]
}

function row(name, title, wanted)
{
	rows[++nr_rows] = name
	titles[name] = title
	goals[name] = wanted
}

# Collects list[1..nr] for median().
function start()
{
	nr = 0
}

function add(x, i)
{
	for (i = ++nr; i > 1 && list[i - 1] > x; i--)
		list[i] = list[i - 1]
	list[i] = x
}

function median()
{
	return nr % 2 ? list[(nr + 1) / 2] : (list[nr / 2] + list[nr / 2 + 1]) / 2
}

# Median of what[] for the who's runs of the workload; "" if there are none.
function middle(what, who, load, round)
{
	start()
	for (round = 1; round <= rounds; round++)
		if ((round, who, load) in cost)
			add(what[round, who, load])
	return nr ? median() : ""
}

# How many times as fast ext4d is: median (lowest - highest).
function versus(other, load, round)
{
	start()
	for (round = 1; round <= rounds; round++)
		if ((round, "ext4d", load) in cost && (round, other, load) in cost)
			add(cost[round, other, load] / cost[round, "ext4d", load])
	return nr ? sprintf("%.2f (%.2f-%.2f)", median(), list[1], list[nr]) : ""
}
