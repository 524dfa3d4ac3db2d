# SPDX-License-Identifier: GPL-2.0-or-later
# awk [-v uring=1] -f report.awk RAW
# From the raw measurements of tests/bench/run, "ROUND SYSTEM WORKLOAD KEY=VALUE...", to tables.
# Ratios are of speeds, taken within each round, then their median and range.

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

END {
	print_workloads()
	print_scaling()
	print_mounts()
	print_find()
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

function speed(who, load, cost_ns)
{
	cost_ns = middle(cost, who, load)
	if (cost_ns == "")
		return ""
	if (load ~ /^(seq|par-|mmap|write)/)
		return sprintf("%.2f GB/s", middle(rate, who, load))
	if (cost_ns >= 1e6)
		return sprintf("%.1f ms", cost_ns / 1e6)
	return cost_ns >= 1000 ? sprintf("%.1f us", cost_ns / 1000) : sprintf("%.0f ns", cost_ns)
}

# Requests ext4d got for an operation; none is only claimed where it was stopped meanwhile. Where it
# writes to the image its write calls are not replies: the floor, which writes to none, got the same.
function asked(load, round, free, all)
{
	if (load ~ /^(create|unlink|untar|write|over|fsync|git-clone|build|sqlite|rm-)/)
		return middle(requests, "floor", load) == "" ? "" : sprintf("%.3g", middle(requests, "floor", load))
	for (round = 1; round <= rounds; round++)
		if ((round, "ext4d", load) in cost) {
			all++
			free += stopped[round, "ext4d", load]
		}
	if (!all)
		return ""
	if (load !~ /^warm/)
		return sprintf("%.3g", middle(requests, "ext4d", load))
	return free == all ? "none" : sprintf("none in %d of %d", free, all)
}

function print_workloads(i, load)
{
	print "| | ext4d | kernel | floor | fuse2fs | to kernel | to floor | to fuse2fs |" \
		(uring ? "" : " requests |") " wanted |"
	print "|---|---|---|---|---|---|---|---|---|" (uring ? "" : "---|")
	for (i = 1; i <= nr_rows; i++) {
		load = rows[i]
		if (!(load in seen_load))
			continue
		printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s%s |\n", titles[load],
			speed("ext4d", load), speed("kernel", load), speed("floor", load),
			speed("fuse2fs", load), versus("kernel", load), versus("floor", load),
			versus("fuse2fs", load), uring ? "" : asked(load) " | ", goals[load]
	}
	print ""
}

# How many times as fast many threads together are as one.
function gain(who, one, many, round)
{
	start()
	for (round = 1; round <= rounds; round++)
		if ((round, who, one) in cost && (round, who, many) in cost)
			add(cost[round, who, one] / cost[round, who, many])
	return nr ? sprintf("%.2f (%.2f-%.2f)", median(), list[1], list[nr]) : ""
}

function scaling_row(title, one, many)
{
	if (!(one in seen_load && many in seen_load))
		return
	if (!scaling_rows++) {
		print "| threads together, one = 1 | ext4d | kernel | floor | fuse2fs |"
		print "|---|---|---|---|---|"
	}
	printf "| %s | %s | %s | %s | %s |\n", title, gain("ext4d", one, many),
		gain("kernel", one, many), gain("floor", one, many), gain("fuse2fs", one, many)
}

function print_scaling()
{
	scaling_row("cold stat, 2", "stat", "stat-2")
	scaling_row("cold open + read, 2", "open", "open-2")
	scaling_row("sequential readers of different files, 2", "par-1", "par-2")
	scaling_row("random direct reads, 8", "random", "random-8")
	scaling_row("create, 2", "create", "create-2")
	scaling_row("unlink, 2", "unlink", "unlink-2")
	scaling_row("fsync, 8", "fsync", "fsync-8")
	if (scaling_rows)
		print ""
}

function mount_cell(who, load, ns)
{
	ns = middle(cost, who, load)
	return ns == "" ? "" : sprintf("%.1f ms, %.1f MiB", ns / 1e6, middle(resident, who, load) / 1024)
}

function print_mounts()
{
	if (!("mount-1G" in seen_load))
		return
	print "| mount: time, resident memory | ext4d | fuse2fs |"
	print "|---|---|---|"
	printf "| 1 GiB | %s | %s |\n", mount_cell("ext4d", "mount-1G"), mount_cell("fuse2fs", "mount-1G")
	printf "| 16 TiB, sparse | %s | %s |\n", mount_cell("ext4d", "mount-16T"),
		mount_cell("fuse2fs", "mount-16T")
	print ""
}

function find_cell(who)
{
	if (middle(cost, who, "find") == "")
		return ""
	return sprintf("%s%.1f s", limit[1, who, "find"] ? "over " : "", middle(cost, who, "find") / 1e9)
}

function print_find()
{
	if (!("find" in seen_load))
		return
	print "| `find -ls`, 130,000 entries in 65,000 directories | ext4d | kernel | fuse2fs |"
	print "|---|---|---|---|"
	printf "| cold | %s | %s | %s |\n", find_cell("ext4d"), find_cell("kernel"), find_cell("fuse2fs")
	print ""
}
