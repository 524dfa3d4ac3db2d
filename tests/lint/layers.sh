#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A folder of src/ includes only itself and the folders before it; no two files share a name's stem.
. "${0%/*}/../lib/test.sh"

layers=(util service format blk cache journal crypt fs fuse)

# rank LAYER: its place in the order; nothing for anything else.
rank()
{
	local i

	for i in "${!layers[@]}"; do
		[ "${layers[i]}" != "$1" ] || echo "$i"
	done
}

bad=0
for layer in "${layers[@]}"; do
	own=$(rank "$layer")
	while IFS=: read -r file _ include; do
		other=$(rank "${include%%/*}")
		if [ -z "$other" ] || [ "$other" -gt "$own" ]; then
			echo "$file includes $include"
			bad=1
		fi
	done < <(grep -n '^#include "' "$TOP"/src/"$layer"/*.[ch] | grep -v '"config\.h"' |
		sed 's/#include "\(.*\)"/\1/')
done
[ "$bad" = 0 ] || fail "layers that look upwards"

same=$(find "$TOP/src" -name '*.c' -printf '%f\n' | sort | uniq -d)
# format/inode.c and fs/inode.c are the disk's and the memory's side of one thing, so are the others
for stem in $same; do
	case $stem in
	inode.c | xattr.c | file.c) ;;
	*) fail "more than one file is called $stem" ;;
	esac
done
