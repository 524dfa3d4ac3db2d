# SPDX-License-Identifier: GPL-2.0-or-later
# awk -v section=latency|million|fio -f raw.awk -f sections.awk RAW: the tables of the sections that are
# asked for by name.

END {
	if (section == "latency")
		print_latency()
	else if (section == "million")
		print_million()
	else
		print_fio()
}

# ---- latency: the median of the rounds, but the largest of all maxima ----

function milliseconds(ns)
{
	return sprintf(ns >= 1e7 ? "%.0f" : "%.2f", ns / 1e6)
}

function latency_cell(who, load, round, most, worst)
{
	if (middle(cost, who, load) == "")
		return ""
	for (round = 1; round <= rounds; round++)
		if (extra[round, who, load, "max"] + 0 > most) {
			most = extra[round, who, load, "max"]
			worst = extra[round, who, load, "worst"]
		}
	return milliseconds(middle_extra(who, load, "p50")) " / " milliseconds(middle_extra(who, load, "p99")) \
		" / " milliseconds(middle_extra(who, load, "p999")) " / " milliseconds(most) " " worst
}

# Median over the rounds of a further value.
function middle_extra(who, load, key, round)
{
	start()
	for (round = 1; round <= rounds; round++)
		if ((round, who, load, key) in extra)
			add(extra[round, who, load, key])
	return nr ? median() : ""
}

function latency_row(load, title)
{
	load = "latency-" load
	if (load in seen_load)
		printf "| %s | %s | %s | %s | %s |\n", title, latency_cell("ext4d", load),
			latency_cell("kernel", load), latency_cell("floor", load), latency_cell("fuse2fs", load)
}

function print_latency()
{
	print "| ms: p50 / p99 / p99.9 / most, and of what | ext4d | kernel | floor | fuse2fs |"
	print "|---|---|---|---|---|"
	latency_row("write", "while a large file is written and fsynced")
	latency_row("truncate", "a file of 10 GiB is truncated")
	latency_row("fragmented", "a file of many extents is truncated")
	latency_row("fsync", "two processes make and fsync small files")
	latency_row("remove", "a tree is removed")
	print ""
	print "Wanted: no more than 100 ms."
	print ""
}

# ---- million ----

function names_cell(who, load, first, last)
{
	if (middle(cost, who, load) == "")
		return ""
	first = middle_extra(who, load, "first")
	last = middle_extra(who, load, "last")
	return sprintf("%.1f us: %.1f, %.1f", middle(cost, who, load) / 1e3, first / 1e3, last / 1e3)
}

function names_row(step, title, load)
{
	load = "names-" step
	if (load in seen_load)
		printf "| %s | %s | %s | %s |\n", title, names_cell("ext4d", load),
			names_cell("kernel", load), names_cell("floor", load)
}

function print_million()
{
	print "| a name: in all, in the first and the last tenth | ext4d | kernel | floor |"
	print "|---|---|---|---|"
	names_row("create", "create")
	names_row("list", "cold listing")
	names_row("stat", "cold stat")
	names_row("unlink", "unlink")
	print ""
}

# ---- fio ----

function fio_speed(who, load, bytes)
{
	bytes = middle(rate, who, load)
	return bytes == "" ? "" : sprintf(bytes >= 1 ? "%.2f GB/s" : "%.0f MB/s", bytes >= 1 ? bytes : bytes * 1000)
}

function fio_row(pattern, direct, block, jobs, load)
{
	load = "fio-" pattern "-" direct "-" block "-" jobs
	if (load in seen_load)
		printf "| %s %s %s, %d | %s | %s | %s | %s | %s | %s | %s |\n", pattern,
			direct ? "direct" : "buffered", block, jobs, versus("kernel", load),
			versus("floor", load), versus("fuse2fs", load), fio_speed("ext4d", load),
			fio_speed("kernel", load), fio_speed("floor", load), fio_speed("fuse2fs", load)
}

function print_fio(p, d, b, j, patterns, blocks)
{
	split("read randread write randwrite", patterns, " ")
	split("4k 1m", blocks, " ")
	print "| fio, jobs | to kernel | to floor | to fuse2fs | ext4d | kernel | floor | fuse2fs |"
	print "|---|---|---|---|---|---|---|---|"
	for (p = 1; p <= 4; p++)
		for (d = 0; d <= 1; d++)
			for (b = 1; b <= 2; b++)
				for (j = 1; j <= 8; j += 7)
					fio_row(patterns[p], d, blocks[b], j)
	print ""
}
