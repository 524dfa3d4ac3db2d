# SPDX-License-Identifier: GPL-2.0-or-later
# The kinds of images that the long tests use. Not a test itself.

KINDS=(default 1k bigalloc no-extents inline)

# kind_image KIND FILE SIZE
kind_image()
{
	case $1 in
	default) make_image "$2" "$3" -t ext4 ;;
	1k) make_image "$2" "$3" -t ext4 -b 1024 ;;
	bigalloc) make_image "$2" "$3" -t ext4 -O bigalloc -C 65536 ;;
	no-extents) make_image "$2" "$3" -t ext3 -O ^extent ;;
	inline) make_image "$2" "$3" -t ext4 -O inline_data -I 1024 ;;
	*) fail "no kind of image is called $1" ;;
	esac
}

# need_program VARIABLE WHAT: the variable names a program that was built elsewhere.
need_program()
{
	[ -n "${!1:-}" ] || skip "$1 is not set ($2)"
	[ -x "${!1}" ] || skip "$1: ${!1} is no program"
}
