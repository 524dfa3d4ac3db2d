# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that put real programs on a mount and look at what they make of it. All of them use
# ./image, mounted on ./mnt, and say with `time NAME MILLISECONDS` how long their parts took.
#
#   FS      ext4d (default), or kernel: the same on the kernel's ext4, to compare and to test the test
#   ROUNDS  how often what happens at random moments is tried (each test has a default of its own)

# shellcheck source=tests/lib/image.sh
. "$(dirname "${BASH_SOURCE[0]}")/image.sh"

FS=${FS:-ext4d}
# What a mount does not tell in every state: FUSE carries no data maps, and reading moves access times.
DUMP=(-n map -n atime)

on_ext4d()
{
	[ "$FS" = ext4d ]
}

# new_image SIZE [MKE2FS-ARGUMENT...]
new_image()
{
	need_loop
	need_tool mke2fs e2fsck
	make_image image "$1" -t ext4 "${@:2}"
}

up()
{
	if on_ext4d; then
		emount image mnt -o rw
	else
		kmount image mnt
	fi
}

down()
{
	if on_ext4d; then
		eumount mnt
	else
		kumount mnt
	fi
}

# part NAME COMMAND...: says how long it took. Called where `set -e` holds.
part()
{
	local name=$1 start

	shift
	start=$(now_ms)
	"$@"
	printf 'time %s %d\n' "$name" $(($(now_ms) - start))
}

# The server ends as if it had crashed; what programs had open on the mount is gone with it.
kill_server()
{
	local server

	server=$(server_of image)
	kill -KILL "$server"
	wait_until 10 is_gone "$server" || fail "the server survives SIGKILL"
	umount mnt 2>/dev/null || umount -l mnt
}

# Unmounts; e2fsck finds nothing, and the kernel shows the tree that was there before. With what is
# still to be written back before looking, since st_blocks comes with it.
settle()
{
	sync -f mnt
	dump live.tree "${DUMP[@]}" mnt
	! grep ' error ' live.tree || fail "the tree has errors"
	down
	judge image
	kmount image mnt ro
	dump disk.tree "${DUMP[@]}" mnt
	kumount mnt
	same_text live.tree disk.tree "what was seen is not what is on disk (< mount, > kernel)"
}
