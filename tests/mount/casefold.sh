#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where case does not count, what one spelling has done is seen through all others at once.
. "${0%/*}/../lib/test.sh"

need_root
make_image image 16M -t ext4 -O casefold -E encoding=utf8
mkdir mnt
emount image mnt -o rw
mkdir mnt/dir mnt/late

there()
{
	stat "mnt/$1" >/dev/null || fail "$1 is not there $2"
}

gone()
{
	! stat "mnt/$1" >/dev/null 2>&1 || fail "$1 is there $2"
}

# What was asked before the directory became one of them counts as well.
gone late/name "in an empty directory"
touch mnt/late/was
rm mnt/late/was
chattr +F mnt/dir mnt/late || fail "chattr +F"
touch mnt/late/NAME mnt/late/Was
there late/name "after it was made as NAME"
there late/was "after it was made as Was"

gone dir/none "at first"
touch mnt/dir/NONE
there dir/none "after it was made as NONE"
there dir/None "after it was made as NONE"

for way in rm 'mv -t mnt'; do
	echo text >mnt/dir/File
	there dir/FILE "as File"
	there dir/file "as File"
	$way mnt/dir/fiLE
	gone dir/File "after $way fiLE"
	gone dir/FILE "after $way fiLE"
	gone dir/file "after $way fiLE"
done
rm mnt/file mnt/fiLE 2>/dev/null || true
mkdir mnt/dir/Straße
there dir/STRASSE "as Straße"
rmdir mnt/dir/STRASSE
gone dir/Straße "after rmdir STRASSE"

# Through a listing, which brings names into the kernel's cache too.
touch mnt/dir/Listed
ls -l mnt/dir >/dev/null
rm mnt/dir/LISTED
gone dir/Listed "after rm LISTED"
ln mnt/dir/NONE mnt/dir/Link
there dir/LINK "as Link"
rm mnt/dir/LINK
gone dir/Link "after rm LINK"
ln -s NONE mnt/dir/Sym
there dir/SYM "as Sym"
rm mnt/dir/SYM
gone dir/Sym "after rm SYM"
mv mnt/dir/none mnt/dir/Other
gone dir/NONE "after mv none Other"
there dir/OTHER "after mv none Other"
! mkdir mnt/dir/oTHER 2>/dev/null || fail "made a second time in another spelling"
equal "the names" "Other" "$(ls mnt/dir)"
eumount mnt
judge image
debugfs -R 'ls -p /dir' image 2>/dev/null | has '/Other/' || fail "the image has other names"
