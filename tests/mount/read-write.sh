#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted for writing by default, read-only where that is impossible, and with -o rw not at all then.
. "${0%/*}/../lib/test.sh"

small_image image 16M -t ext4
mkdir mnt

# opened IMAGE OPTION...: the mount command alone, what it says in ./out.
opened()
{
	"$EXT4D" "$1" mnt "${@:2}" >out 2>&1 || fail "ext4d $* ended with $?: $(cat out)"
	equal "contents of $1" hello "$(cat mnt/hello)"
}

mounted_as()
{
	grep -q " $WORK/mnt fuse.ext4d $1," /proc/self/mounts || fail "not mounted $1: $(cat out)"
}

# writes IMAGE OPTION...: mounted for writing, and what is written is in the image.
writes()
{
	opened "$@"
	mounted_as rw
	echo "new in $1" >mnt/new
	eumount mnt
	judge "$1"
	equal "what was written to $1" "new in $1" "$(debugfs -R 'cat new' "$1" 2>/dev/null)"
	debugfs -w -R 'rm new' "$1" 2>/dev/null
}

# only_reads PATTERN IMAGE OPTION...: mounted read-only with a line that says why; -o rw is refused.
only_reads()
{
	opened "${@:2}"
	must_say "$1"
	mounted_as ro
	must_fail touch mnt/new
	eumount mnt
	must_fail "$EXT4D" "$2" mnt "${@:3}" -o rw
	grep -q '^ext4d: ' out || fail "refused without a word"
	[ "$(wc -l <out)" = 1 ] || fail "more than one line: $(cat out)"
	! is_mounted mnt || fail "refused and mounted: $*"
}

writes image
[ ! -s out ] || fail "says something: $(cat out)"
writes image -o defaults
writes image -o rw
for options in ro norecovery noload; do
	before=$(sha256sum image)
	opened image -o "$options"
	[ ! -s out ] || fail "$options says something: $(cat out)"
	mounted_as ro
	eumount mnt
	equal "the image after -o $options" "$before" "$(sha256sum image)"
done

# A feature that allows reading only, for the kernel as well.
cp image shared
debugfs -w -R 'feature shared_blocks' shared >/dev/null 2>&1
before=$(sha256sum shared)
only_reads 'mounted read-only.*the feature shared_blocks' shared
grep -q 'read-only (-o ro).*the feature shared_blocks' out || fail "rw says: $(cat out)"
cp image unknown
debugfs -w -R 'feature FEATURE_R30' unknown >/dev/null 2>&1
only_reads 'mounted read-only.*the feature FEATURE_R30' unknown
equal "the image" "$before" "$(sha256sum shared)"

# A reader keeps a writer out: nothing is read from an image that somebody uses.
emount image other
must_fail "$EXT4D" image mnt
must_say "locked by process $(server_of image) "
must_fail "$EXT4D" image mnt -o rw
must_say "locked by process $(server_of image) "
eumount other
# And the other way round.
opened image
mkdir mnt2
must_fail "$EXT4D" image mnt2
must_say "locked by process $(server_of image) "
must_fail "$EXT4D" image mnt2 -o ro
must_say "locked for writing by process $(server_of image) "
eumount mnt

# A descriptor is used as it was opened.
exec 7<image 8<>image
only_reads 'write-protected, mounted read-only' /dev/fd/7
exec 7<&-
opened /dev/fd/8
mounted_as rw
eumount mnt
exec 8<&-

# A file that is sealed against writing opens for it all the same.
mkfifo hold
"$(tool mount/probe)" sealed image <hold >sealed &
exec 9>hold
wait_until 10 test -s sealed || fail "no sealed file"
only_reads 'write-protected, mounted read-only' "$(cat sealed)"
exec 9>&-
wait $!

need_loop
mkdir storage
cp image storage
mount --bind storage storage
mount -o remount,bind,ro storage
only_reads '^ext4d: storage/image: is write-protected, mounted read-only$' storage/image
grep -q 'storage/image: is write-protected, but -o rw was given' out || fail "rw says: $(cat out)"

loop=$(losetup -f --show -r image)
only_reads "^ext4d: $loop: is write-protected, mounted read-only$" "$loop"
# Readers of it share it, though each wanted to write.
opened "$loop"
mkdir -p mnt3
"$EXT4D" "$loop" mnt3 2>/dev/null || fail "one read-only mount keeps another out"
eumount mnt3
eumount mnt
losetup -d "$loop"
loop=$(losetup -f --show image)
opened "$loop"
mounted_as rw
echo new >mnt/new
eumount mnt
losetup -d "$loop"
judge image
equal "what was written to a device" new "$(debugfs -R 'cat new' image 2>/dev/null)"

# The journal can be what is write-protected.
truncate -s 16M journal
mke2fs -q -F -b 1024 -O journal_dev journal
jloop=$(losetup -f --show journal)
make_image external 16M -t ext4 -b 1024 -J device="$jloop" -d small-src
losetup -d "$jloop"
jloop=$(losetup -f --show -r journal)
only_reads "^ext4d: $jloop: is write-protected, mounted read-only$" external -o "journal_path=$jloop"
losetup -d "$jloop"
opened external -o journal_path=journal
mounted_as rw
touch mnt/new
eumount mnt

# A journal that needs recovery is recovered in the image, or in memory.
make_image dirty 16M -t ext4 -d small-src
kmount dirty k
echo durable >k/file
sync k/file
cp dirty copy
kumount k
dumpe2fs -h copy 2>/dev/null | has needs_recovery || fail "the journal is clean"
opened copy
mounted_as rw
equal "contents through the journal" durable "$(cat mnt/file)"
eumount mnt
judge copy
! dumpe2fs -h copy 2>/dev/null | has needs_recovery || fail "the journal was not recovered"

# What the kernel has mounted, even read-only, is not for another writer.
kmount image k ro
must_fail "$EXT4D" image mnt
must_say "mounted.* on $WORK/k"
emount image mnt
eumount mnt
kumount k
