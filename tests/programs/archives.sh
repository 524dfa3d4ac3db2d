#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# tar, rsync, cpio and zip take a tree with everything in it that a tree can hold from the kernel's ext4 to
# ext4d and back: the trees are the same, and a second rsync has nothing to do.
. "${0%/*}/../lib/programs.sh"

need_tool rsync tar cpio zip unzip
# -1: or it leaves times alone that differ by less than a second
RSYNC=(rsync -aHAXS --numeric-ids --super --modify-window=-1)
TAR=(tar --numeric-owner --sparse --anchored --exclude=./lost+found)
XATTRS=(--acls --xattrs '--xattrs-include=*')
# Programs cannot copy these; a directory's size is the filesystem's own affair.
COPIED=(-n map -n atime -n ctime -n ino -n blocks -n flags -n dirs -s lost+found)

dump_copy()
{
	dump "$1" "${COPIED[@]}" "$2"
	! grep ' error ' "$1" || fail "$2 has errors"
}

# Not as large as fill makes them: rsync and cp read holes.
make_sparse()
{
	local at

	mkdir "$1"
	for at in 0 4095 1048576 20000000; do
		printf 'text at %d' $at | dd of="$1/gaps" bs=64K oflag=seek_bytes seek=$at conv=notrunc status=none
	done
	truncate -s 30M "$1/all-hole" "$1/gaps"
	head -c 10000 /dev/urandom >"$1/tail-hole"
	truncate -s 1M "$1/tail-hole"
}

# Where the trees come from and go to, on the kernel's ext4.
make_source()
{
	make_image source.img 256M -t ext4 -b 4096
	make_image back.img 256M -t ext4 -b 4096
	kmount source.img source
	"$(tool image/fill)" source tree bigdir=1000 unwritten sizes names types symlinks links=100 times \
		owners xattrs=1500 lxattrs acls
	make_sparse source/sparse
	dump_copy source.tree source
}

# fresh_target: an empty filesystem on ./mnt
fresh_target()
{
	new_image 256M -b 4096
	up
}

# compare_copy DIR WHAT: it is what the source is, except for what sed $3 leaves out of both.
compare_copy()
{
	dump_copy copy.tree "$1"
	sed -E "${3:-}" source.tree >want
	sed -E "${3:-}" copy.tree >got
	same_text want got "$2 (< source, > copy)"
}

sync_again()
{
	"${RSYNC[@]}" -n -c --itemize-changes --delete "$1/" "$2/" >changes
	[ ! -s changes ] || fail "rsync from $1 to $2 finds something to do: $(head changes)"
}

rsync_there()
{
	"${RSYNC[@]}" source/ mnt/
}

with_rsync()
{
	fresh_target
	part rsync rsync_there
	compare_copy mnt "rsync"
	sync_again source mnt
	"${RSYNC[@]}" mnt/ back/
	compare_copy back "rsync and back"
	sync_again mnt back
	# what changed, and nothing else
	echo more >>mnt/sizes/s1025
	setfattr -n user.new -v 1 mnt/sizes/s2048
	mv mnt/tree/bush1 mnt/tree/bush9
	chmod 4711 mnt/sizes/s4096
	"${RSYNC[@]}" --delete --inplace mnt/ source/
	sync_again mnt source
	"${RSYNC[@]}" --delete back/ source/
	"${RSYNC[@]}" --delete back/ mnt/
	compare_copy mnt "rsync of changes"
	settle
}

# unpack COMMAND...: in ./mnt
unpack()
{
	(cd mnt && "$@")
}

# Of sockets tar says that it leaves them out.
create()
{
	local out=$1 dir=$2

	shift 2
	(cd "$dir" && "${TAR[@]}" "$@" -cf - .) >"$out" 2>tar.err || fail "tar: $(cat tar.err)"
	! grep -v 'socket ignored' tar.err || fail "tar complains"
}

# with_tar FORMAT SED [OPTION...]: there, compared by tar itself, and back.
with_tar()
{
	local format=$1 lost=$2

	shift 2
	fresh_target
	create there.tar source "--format=$format" "$@"
	part "tar-$format" unpack "${TAR[@]}" "$@" --warning=no-timestamp -xpf ../there.tar
	compare_copy mnt "tar $format" "$lost"
	unpack "${TAR[@]}" "$@" -df ../there.tar || fail "tar -d $format finds differences"
	create back.tar mnt "--format=$format" "$@"
	find back -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
	(cd back && "${TAR[@]}" "$@" --warning=no-timestamp -xpf ../back.tar)
	compare_copy back "tar $format and back" "$lost"
	settle
}

with_cpio()
{
	fresh_target
	(cd source && find tree sizes links types -print0 | cpio -o -0 -H newc --quiet) >there.cpio
	part cpio unpack cpio -idm -H newc --quiet <there.cpio
	# whole seconds; newc has no socket's content, but the socket
	diff -r --no-dereference source/tree mnt/tree || fail "cpio: trees differ"
	diff -r --no-dereference source/sizes mnt/sizes || fail "cpio: sizes differ"
	equal "links" "$(stat -c %h source/links/file)" "$(stat -c %h mnt/links/file)"
	for file in source/types/*; do
		equal "$file" "$(stat -c '%a %F %t:%T' "$file")" "$(stat -c '%a %F %t:%T' "mnt/types/${file##*/}")"
	done
	settle
}

with_zip()
{
	fresh_target
	cp -a source/tree mnt/
	unpack zip -q -r -y tree.zip tree
	unpack unzip -q -d out tree.zip
	diff -r --no-dereference mnt/tree mnt/out/tree || fail "unzip: trees differ"
	settle
}

# How cp(1) copies whole files, with copy_file_range(2), and holes, with what it makes of SEEK_HOLE.
with_cp()
{
	local how file

	fresh_target
	"${RSYNC[@]}" source/sparse source/unwritten source/sizes mnt/
	for how in --reflink=auto --sparse=always --sparse=never; do
		mkdir mnt/to
		for file in mnt/unwritten/* mnt/sizes/* mnt/sparse/*; do
			cp -a "$how" "$file" mnt/to/
			cmp -s "$file" "mnt/to/${file##*/}" || fail "cp $how: $file differs"
			equal "cp $how $file" "$(stat -c '%s %y' "$file")" "$(stat -c '%s %y' "mnt/to/${file##*/}")"
		done
		rm -r mnt/to
	done
	must_fail cp --reflink=always mnt/sizes/s8192 mnt/clone
	settle
}

make_source
mkdir back
kmount back.img back
with_rsync
# tar keeps no sockets, and no links between fifos; its old format no attributes, and whole seconds only
no_tar='/ type=s /d; /^.\/links\/(other\/)?pipe /d'
with_tar posix "$no_tar" "${XATTRS[@]}"
with_tar gnu "$no_tar; / xattr /d; s/(mtime=-?[0-9]+)\.[0-9]+/\1/"
with_cpio
with_zip
with_cp
kumount source
kumount back
judge back.img
