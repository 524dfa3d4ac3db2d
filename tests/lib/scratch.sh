# SPDX-License-Identifier: GPL-2.0-or-later
# Where the runners let the tests write.

# Kilobytes that are free in the directory $1.
free_kb()
{
	df -kP "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'
}

scratch()
{
	if [ -n "${TMPDIR:-}" ]; then
		printf '%s\n' "$TMPDIR"
	elif [ -w /dev/shm ] && [ "$(free_kb /dev/shm)" -gt 3000000 ]; then
		echo /dev/shm
	else
		echo /tmp
	fi
}
