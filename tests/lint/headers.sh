#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Every header compiles alone, and every .c file begins with config.h.
. "${0%/*}/../lib/test.sh"

need_tool gcc pkg-config
cflags=$(pkg-config --cflags fuse3 ext2fs blkid)

while read -r header; do
	printf '#include "config.h"\n#include "%s"\n' "$header" >alone.c
	# shellcheck disable=SC2086
	gcc -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$BUILD" -I"$TOP/src" \
		$cflags alone.c || fail "$header does not compile alone"
done < <(cd "$TOP/src" && find . -name '*.h' -printf '%P\n')

while read -r source; do
	[ "$(grep -m1 '^#include' "$source")" = '#include "config.h"' ] ||
		fail "$source does not include config.h first"
done < <(find "$TOP/src" -name '*.c')
