#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# What a file exports is named after the file or its folder.
. "${0%/*}/../lib/test.sh"

need_tool nm

# also FILE: what it may export besides.
also()
{
	case $1 in
	format/inode | fs/inode) echo dinode ;;
	fs/group) echo groups ;;
	fs/diredit) echo dir ;;
	fs/icache) echo inode ;;
	fs/map) echo extmap ;;
	fs/mapedit) echo map ;;
	fs/inlineedit) echo inline ;;
	fs/xattredit) echo xattr ;;
	fs/aclinherit) echo acl ;;
	fuse/ops_edit) echo op ;;
	util/lock) echo rwlock ;;
	./main) echo main ;;
	esac
}

bad=0 seen=0
while read -r object; do
	file=${object#"$BUILD"/src/} file=${file%.o}
	case $file in */*) ;; *) file=./$file ;; esac
	folder=${file%/*} stem=${file##*/}
	while read -r symbol; do
		seen=$((seen + 1))
		case $symbol in
		"$stem" | "$stem"_* | "$folder"_* | "${stem%%_*}"_* | __*) continue ;;
		esac
		for other in $(also "$file"); do
			case $symbol in "$other" | "$other"_*) continue 2 ;; esac
		done
		echo "$file exports $symbol"
		bad=1
	done < <(nm -g --defined-only "$object" | awk '{ print $3 }')
done < <(find "$BUILD/src" -name '*.o')
[ "$seen" -gt 100 ] || fail "only $seen symbols found in $BUILD/src"
[ "$bad" = 0 ] || fail "exported names without their file's prefix"
