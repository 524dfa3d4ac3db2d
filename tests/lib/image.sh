# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that compare ext4d's view of an image with the kernel's. Each of them names what
# mke2fs shall make and what is put in:
#
#   SIZE    of the image
#   MKE2FS  array: arguments of mke2fs
#   FILL    array: what tests/image/fill puts in, through the kernel
#   SETUP   optional function, called with the mounted directory after the filling
#   TWEAK   optional function, called with the new image before it is mounted

# shellcheck source=tests/lib/test.sh
. "$(dirname "${BASH_SOURCE[0]}")/test.sh"

KERNEL_OPTIONS=

dump()
{
	local out=$1

	shift
	"$(tool image/treedump)" "$@" >"$out" || [ $? = 1 ] || fail "treedump $* failed"
}

same_text()
{
	cmp -s "$1" "$2" && return
	diff "$1" "$2" | head -40 >&2 || true
	fail "$3 ($(diff "$1" "$2" | grep -c '^[<>]') lines differ)"
}

# What statfs says, except what differs between any two mounts (the type and the id).
dump_statfs()
{
	stat -f -c 'bsize=%s frsize=%S blocks=%b bfree=%f bavail=%a files=%c ffree=%d namelen=%l' \
		"$1"
}

build_image()
{
	need_loop
	make_image image "$SIZE" "${MKE2FS[@]}"
	if [ "$(type -t TWEAK)" = function ]; then
		TWEAK image
	fi
	kmount image mnt "$KERNEL_OPTIONS"
	"$(tool image/fill)" mnt "${FILL[@]}"
	if [ "$(type -t SETUP)" = function ]; then
		SETUP mnt
	fi
}

# The kernel's view of the unmounted, clean image.
kernel_view()
{
	kmount "$1" mnt ro
	dump kernel.tree mnt
	dump_statfs mnt >kernel.statfs
	kumount mnt
}

# Everything about a file that a write would change: contents, data map, times. The images are
# sparse and up to 32 TiB long, hence not a plain checksum.
fingerprint()
{
	local dir

	dir=$(mktemp -d -p .)
	ln "$1" "$dir/file"
	"$(tool image/treedump)" -n atime -n ctime "$dir" | grep '^./file'
	rm -r "$dir"
}

# view NAME IMAGE [OPTION...]: ext4d's view of it, and that the image was left alone.
view()
{
	local name=$1 image=$2 before after

	shift 2
	before=$(fingerprint "$image")
	emount "$image" mnt "$@"
	dump "$name.tree" mnt
	dump_statfs mnt >"$name.statfs"
	eumount mnt
	after=$(fingerprint "$image")
	equal "the image" "$before" "$after"
}

# The whole of it: build, compare, and let e2fsck judge.
compare_image()
{
	build_image
	kumount mnt
	judge image
	kernel_view image
	! grep -q ' error ' kernel.tree || fail "the kernel has errors: $(grep ' error ' kernel.tree)"
	view ext4d image
	same_text kernel.tree ext4d.tree "the trees differ (< kernel, > ext4d)"
	same_text kernel.statfs ext4d.statfs "statfs differs (< kernel, > ext4d)"
}

# For images that the kernel here cannot mount: FILL goes into ./src, mke2fs -d copies it,
# and ext4d must show what was copied. Not compared: what mke2fs chooses itself.
SOURCE_FIELDS=(-n ino -n blocks -n flags -n map -n dirs -n ctime -n atime -s lost+found)

build_from_source()
{
	need_root
	mkdir src
	"$(tool image/fill)" src "${FILL[@]}"
	if [ "$(type -t SETUP)" = function ]; then
		SETUP src
	fi
	# mke2fs takes over whole seconds.
	find src -exec touch -h -d @1234567890 {} +
	make_image image "$SIZE" "${MKE2FS[@]}" -d src
	debugfs -w -R "set_inode_field <2> mtime @1234567890" image 2>/dev/null
	if [ "$(type -t TWEAK)" = function ]; then
		TWEAK image
	fi
}

compare_with_source()
{
	dump source.tree "${SOURCE_FIELDS[@]}" src
	emount image mnt
	dump ext4d.tree "${SOURCE_FIELDS[@]}" mnt
	eumount mnt
	same_text source.tree ext4d.tree "the trees differ (< source, > ext4d)"
}

# Dirty journals. CHANGE is called with the filesystem mounted by the kernel (with JOPTIONS); what
# it made durable is in ./dirty, a copy of the image taken while it is still mounted.
JOPTIONS=

# Ends the running transaction, and unlike syncfs(2) writes no metadata home.
commit()
{
	sync "$1"
}

# Several transactions that make, change and take away.
usual_changes()
{
	"$(tool image/fill)" "$1" fragments sizes
	commit "$1"
	mv "$1/tree/bush1" "$1/moved"
	rm -r "$1/tree/bush2" "$1"/bigdir/entry-1*
	commit "$1"
	"$(tool image/fill)" "$1" symlinks xattrs=900
	truncate -s 100 "$1/sizes/s65536"
	commit "$1"
}

dirty_image()
{
	build_image
	kumount mnt
	kmount image mnt "nodelalloc${JOPTIONS:+,$JOPTIONS}"
	CHANGE mnt
	cp --sparse=always image dirty
	if [ "$(type -t LET_GO)" = function ]; then
		LET_GO
	fi
	kumount mnt
	dumpe2fs -h dirty 2>/dev/null | has needs_recovery || fail "the journal is clean"
}

# The kernel's view after its own replay, which it makes even for a read-only mount.
replayed_view()
{
	local loop

	cp --sparse=always dirty replayed
	loop=$(losetup -f --show replayed)
	mount -t ext4 -o ro "$loop" mnt
	dump kernel.tree mnt
	umount mnt
	losetup -d "$loop"
	! grep -q ' error ' kernel.tree || fail "the kernel has errors: $(grep ' error ' kernel.tree)"
}

compare_dirty()
{
	replayed_view
	view ext4d dirty
	same_text kernel.tree ext4d.tree "replayed: the trees differ (< kernel, > ext4d)"
	compare_norecovery
}

# What lies on disk without the journal is whole too, only older, as nothing was written home yet.
compare_norecovery()
{
	kmount dirty mnt ro,norecovery
	dump kernel.old mnt
	kumount mnt
	! cmp -s kernel.tree kernel.old || fail "the replay changes nothing that can be seen"
	view old dirty -o norecovery
	same_text kernel.old old.tree "norecovery: the trees differ (< kernel, > ext4d)"
	view old dirty -o noload
	same_text kernel.old old.tree "noload: the trees differ (< kernel, > ext4d)"
}
