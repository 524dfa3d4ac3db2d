# SPDX-License-Identifier: GPL-2.0-or-later
# awk [-v uring=1] -f raw.awk -f report.awk RAW: tables of the measurements.
# Ratios are of speeds, taken within each round, then their median and range.

END {
	print_workloads()
	print_scaling()
	print_mounts()
	print_find()
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

# The most that a server of the workload's line had resident, in any round.
function memory(who, load, round, most)
{
	for (round = 1; round <= rounds; round++)
		if (resident[round, who, load] + 0 > most)
			most = resident[round, who, load]
	return most ? sprintf("%.0f", most / 1024) : "-"
}

function print_workloads(i, load)
{
	print "| | ext4d | kernel | floor | fuse2fs | to kernel | to floor | to fuse2fs |" \
		(uring ? "" : " requests |") " MiB: ext4d, fuse2fs | wanted |"
	print "|---|---|---|---|---|---|---|---|---|---|" (uring ? "" : "---|")
	for (i = 1; i <= nr_rows; i++) {
		load = rows[i]
		if (!(load in seen_load))
			continue
		printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s%s, %s | %s |\n", titles[load],
			speed("ext4d", load), speed("kernel", load), speed("floor", load),
			speed("fuse2fs", load), versus("kernel", load), versus("floor", load),
			versus("fuse2fs", load), uring ? "" : asked(load) " | ",
			memory("ext4d", load), memory("fuse2fs", load), goals[load]
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

# Mount, unmount, memory.
function mount_cell(who, size, ns, most)
{
	ns = middle(cost, who, "mount-" size)
	if (ns == "")
		return ""
	most = middle(resident, who, "mount-" size)
	return sprintf("%.1f ms, %.1f ms", ns / 1e6, middle(cost, who, "umount-" size) / 1e6) \
		(most ? sprintf(", %.1f MiB", most / 1024) : "")
}

function mount_row(title, size)
{
	printf "| %s | %s | %s | %s |\n", title, mount_cell("ext4d", size), mount_cell("kernel", size),
		mount_cell("fuse2fs", size)
}

function print_mounts()
{
	if (!("mount-1G" in seen_load))
		return
	print "| mount, unmount, resident memory | ext4d | kernel | fuse2fs |"
	print "|---|---|---|---|"
	mount_row("64 MiB", "64M")
	mount_row("1 GiB", "1G")
	mount_row("64 GiB, sparse", "64G")
	mount_row("16 TiB, sparse", "16T")
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
