# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that let the kernel's ext4 and ext4d do the same things to two copies of one image,
# and then look for any difference. Each of them names
#
#   SIZE    of the image
#   MKE2FS  array: arguments of mke2fs
#   SEEDS   array
#   COUNT   operations for each seed (2000)
#   KERNEL  mount options for the kernel, ENGINE: array, arguments for ext4d
#   KERNEL_BUGS   not empty: e2fsck may find something in the kernel's copy
#   KERNEL_TWEAK  optional function, called with the kernel's copy of the image
#   ENCRYPTED     array: for each policy what mkencrypted takes; directories e0, e1, ... are under them
#                 before it begins, and both sides have the key
#   WHERE   the directory of the image where it begins (.)
#
# By hand:
#
#   DIFF_SEEDS="7 8" DIFF_COUNT=20000   other sequences
#   DIFF_WITH=kernel or fuse2fs         instead of ext4d, to test the test

# shellcheck source=tests/lib/test.sh
. "$(dirname "${BASH_SOURCE[0]}")/test.sh"
# shellcheck source=tests/lib/keys.sh
. "$TOP/tests/lib/keys.sh"

COUNT=2000
KERNEL=
KERNEL_BUGS=
ENGINE=()
ENCRYPTED=()
WHERE=.
# Of the tree: what ops cannot tell about or compares better itself.
DUMP=(-n ino -n blocks -n times -n map -n flags -n dirs)

# The kernel's mount of one of the images, at $2.
kernel_mount()
{
	kmount "$@"
	[ "${#ENCRYPTED[@]}" = 0 ] || kernel_keys "$2"
}

engine_mount()
{
	case ${DIFF_WITH:-ext4d} in
	kernel)
		kernel_mount "$1" "$2" "$KERNEL"
		;;
	fuse2fs)
		mkdir -p "$2"
		fuse2fs -o rw,fakeroot,allow_other "$1" "$2" 2>/dev/null
		;;
	*)
		emount "$1" "$2" -o rw "${ENGINE[@]}"
		[ "${#ENCRYPTED[@]}" = 0 ] || server_keys "$2"
		;;
	esac
}

engine_unmount()
{
	local server

	case ${DIFF_WITH:-ext4d} in
	kernel)
		kumount "$1"
		;;
	fuse2fs)
		server=$(server_of "$2")
		fusermount3 -u "$1"
		wait_until 30 is_gone "$server"
		;;
	*)
		eumount "$1"
		;;
	esac
}

# Synced first: lseek(2) does not see what is still in the page cache alone.
tree_of()
{
	sync -f "$1"
	"$(tool image/treedump)" "${DUMP[@]}" "$1" >"$2" || [ $? = 1 ] || fail "treedump $1"
	! grep ' error ' "$2" || fail "$1 has errors"
}

free_inodes()
{
	dumpe2fs -h "$1" 2>/dev/null | sed -n 's/^Free inodes: *//p'
}

repeat()
{
	echo "to repeat: DIFF_SEEDS=$1 DIFF_COUNT=$2 ${DIFF_WITH:+DIFF_WITH=$DIFF_WITH }$0"
}

# run_kernel SEED COUNT: leaves kernel.log, kernel.tree.
run_kernel()
{
	kernel_mount kernel.img kernel "$KERNEL"
	max=$("$(tool diff/ops)" --probe kernel)
	"$(tool diff/ops)" --seed "$1" --count "$2" --dir "kernel/$WHERE" --log kernel.log --max "$max" \
		"${known[@]}" ||
		fail "ops ended with $? on the kernel's ext4"
	tree_of kernel kernel.tree
	kumount kernel
}

# run_engine SEED COUNT: ends at the first difference.
run_engine()
{
	engine_mount engine.img engine
	"$(tool diff/ops)" --seed "$1" --count "$2" --dir "engine/$WHERE" --log engine.log --max "$max" \
		"${known[@]}" --expect kernel.log || fail "ops ended with $?; $(repeat "$1" "$2")"
	tree_of engine engine.tree
	engine_unmount engine engine.img
}

compare_trees()
{
	cmp -s "$1" "$2" && return
	diff "$1" "$2" | cut -c -300 | head -30 >&2 || true
	fail "$3; $(repeat "$4" "$5")"
}

diff_seed()
{
	local seed=$1 count=$2 start=$SECONDS kernel_free engine_free

	cp --sparse=always fresh kernel.img
	cp --sparse=always fresh engine.img
	if [ "$(type -t KERNEL_TWEAK)" = function ]; then
		KERNEL_TWEAK kernel.img
		[ "${DIFF_WITH:-}" != kernel ] || KERNEL_TWEAK engine.img
	fi
	kernel_free=$(free_inodes kernel.img) engine_free=$(free_inodes engine.img)
	run_kernel "$seed" "$count"
	run_engine "$seed" "$count"
	compare_trees kernel.tree engine.tree "the trees differ (< kernel, > here)" "$seed" "$count"
	if [ -z "$KERNEL_BUGS" ]; then
		judge kernel.img
	fi
	if [ -z "$KERNEL_BUGS" ] || [ "${DIFF_WITH:-}" != kernel ]; then
		judge engine.img
	fi
	# What lies on disk, told by the kernel.
	kernel_mount engine.img engine ro
	tree_of engine disk.tree
	kumount engine
	compare_trees kernel.tree disk.tree "the image differs (< kernel, > disk)" "$seed" "$count"
	# not simply how many are left: KERNEL_TWEAK may have freed some
	equal "inodes taken" $((kernel_free - $(free_inodes kernel.img))) \
		$((engine_free - $(free_inodes engine.img)))
	echo "seed $seed: $count operations, $((SECONDS - start)) s"
}

# The directories of ENCRYPTED in the fresh image; the operations know those that they can reach.
add_encrypted()
{
	local i

	known=()
	[ "${#ENCRYPTED[@]}" != 0 ] || return 0
	kmount fresh kernel
	for i in "${!ENCRYPTED[@]}"; do
		mkdir "kernel/e$i"
		# shellcheck disable=SC2086
		"$(tool image/mkencrypted)" ${ENCRYPTED[i]} "kernel/e$i" >/dev/null || fail "no policy ${ENCRYPTED[i]}"
		[ "$WHERE" != . ] || known+=(--known "e$i")
	done
	kumount kernel
}

diff_images()
{
	local seed known

	need_loop
	need_tool mke2fs e2fsck dumpe2fs
	make_image fresh "$SIZE" "${MKE2FS[@]}"
	add_encrypted
	# shellcheck disable=SC2086
	for seed in ${DIFF_SEEDS:-"${SEEDS[@]}"}; do
		diff_seed "$seed" "${DIFF_COUNT:-$COUNT}"
	done
}
