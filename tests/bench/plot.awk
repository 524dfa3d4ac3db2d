# SPDX-License-Identifier: GPL-2.0-or-later
# awk -f raw.awk -f plot.awk RAW: an SVG of how fast each system is beside the kernel, on a
# logarithmic scale: the median of the rounds as a mark, the range as a line. Systems differ in the
# mark's shape and in their place within the row, not by colour alone.

BEGIN {
	LEFT = 350	# of the axis, and its length, all in pixels
	WIDTH = 560
	TOP = 64
	ROW = 34
	STEP = 9	# between the systems of one row
	nr_marks = split("ext4d floor fuse2fs", marks, " ")
	colours["ext4d"] = "#0b5394"
	colours["floor"] = "#555555"
	colours["fuse2fs"] = "#b45309"
}

# Ratios to the kernel of one system in one workload: in mid, low, high. False if there are none.
function ratios(who, load, round)
{
	start()
	for (round = 1; round <= rounds; round++)
		if ((round, who, load) in cost && (round, "kernel", load) in cost)
			add(cost[round, "kernel", load] / cost[round, who, load])
	if (!nr)
		return 0
	mid = median()
	low = list[1]
	high = list[nr]
	return 1
}

# The rows that have a kernel to be held against, and the decades that hold them all.
function find_range(i, m)
{
	first_decade = last_decade = 0
	for (i = 1; i <= nr_rows; i++)
		for (m = 1; m <= nr_marks; m++)
			if (ratios(marks[m], rows[i])) {
				if (!(i in shown)) {
					shown[i] = 1
					nr_shown++
				}
				while (low < 10 ^ first_decade)
					first_decade--
				while (high > 10 ^ last_decade)
					last_decade++
			}
	if (first_decade == last_decade)
		last_decade++
}

function x_of(ratio)
{
	return LEFT + WIDTH * (log(ratio) / log(10) - first_decade) / (last_decade - first_decade)
}

function text(x, y, anchor, string)
{
	gsub(/&/, "\\&amp;", string)
	gsub(/</, "\\&lt;", string)
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, string
}

function line(x1, y1, x2, y2, colour, width)
{
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%s\"/>\n",
		x1, y1, x2, y2, colour, width
}

# A disc, an open square, a triangle.
function mark(who, x, y)
{
	if (who == "ext4d")
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", x, y, colours[who]
	else if (who == "floor")
		printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\" fill=\"white\" stroke=\"%s\"" \
			" stroke-width=\"1.5\"/>\n", x - 3.5, y - 3.5, colours[who]
	else
		printf "<path d=\"M%.1f %.1fl4.5 8h-9z\" fill=\"%s\"/>\n", x, y - 5, colours[who]
}

function legend(m, x)
{
	x = 20
	for (m = 1; m <= nr_marks; m++) {
		mark(marks[m], x, 20)
		text(x + 10, 24, "start", marks[m])
		x += 80
	}
	text(x, 24, "start", "times the kernel's speed: median, range; right is faster")
}

function scale(bottom, decade, digits, i, x, at)
{
	split("1 2 5", digits, " ")
	for (decade = first_decade; decade <= last_decade; decade++)
		for (i = 1; i <= 3; i++) {
			at = digits[i] * 10 ^ decade
			if (at > 10 ^ last_decade)
				break
			x = x_of(at)
			line(x, TOP - 8, x, bottom, at == 1 ? "#000000" : "#cccccc", at == 1 ? 1.5 : 0.7)
			# more than four decades leave no room for more
			if (i == 1 || last_decade - first_decade <= 4)
				text(x, TOP - 14, "middle", sprintf("%g", at))
		}
}

# "the same, ..." of the table says what it is the same as.
function full_title(i)
{
	if (titles[rows[i]] !~ /^the same, /)
		return base = titles[rows[i]]
	return base substr(titles[rows[i]], 9)
}

function print_plot(i, m, y, title)
{
	find_range()
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\"" \
		" font-size=\"12\">\n", LEFT + WIDTH + 30, TOP + nr_shown * ROW + 10
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	legend()
	scale(TOP + nr_shown * ROW)
	y = TOP
	for (i = 1; i <= nr_rows; i++) {
		title = full_title(i)
		if (!(i in shown))
			continue
		line(10, y, LEFT + WIDTH, y, "#eeeeee", 1)
		text(LEFT - 12, y + ROW / 2 + 4, "end", title)
		for (m = 1; m <= nr_marks; m++) {
			if (!ratios(marks[m], rows[i]))
				continue
			line(x_of(low), y + STEP * m - 1, x_of(high), y + STEP * m - 1, colours[marks[m]], 1.5)
			mark(marks[m], x_of(mid), y + STEP * m - 1)
		}
		y += ROW
	}
	print "</svg>"
}

END {
	print_plot()
}
