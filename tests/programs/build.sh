#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# A C project of 300 files built by make -j2: a library, a program that is run from there, an
# incremental build that has nothing to do, headers that were touched, ccache.
. "${0%/*}/../lib/programs.sh"

need_tool gcc make ar ranlib ccache
FILES=300 HEADERS=30

# File N includes header N % HEADERS and common.h.
make_project()
{
	local i h

	mkdir -p mnt/project/include mnt/project/src
	for ((h = 0; h < HEADERS; h++)); do
		printf '#pragma once\n#include "common.h"\n#define H%d %d\n' $h $h >mnt/project/include/h$h.h
	done
	echo 'int sum(int from, int to);' >mnt/project/include/common.h
	for ((i = 0; i < FILES; i++)); do
		h=$((i % HEADERS))
		printf '#include "h%d.h"\nint f%d(void);\nint f%d(void)\n{\n\treturn %d + H%d;\n}\n' \
			$h $i $i $i $h >mnt/project/src/f$i.c
	done
	{
		echo '#include <stdio.h>'
		for ((i = 0; i < FILES; i++)); do
			echo "int f$i(void);"
		done
		echo 'int main(void)'
		echo '{'
		echo '	int sum = 0;'
		for ((i = 0; i < FILES; i++)); do
			echo "	sum += f$i();"
		done
		printf '\tprintf("%%d\\n", sum);\n'
		echo '	return 0;'
		echo '}'
	} >mnt/project/main.c
	cat >mnt/project/Makefile <<-'END'
		.RECIPEPREFIX = >
		objects := $(patsubst src/%.c,obj/%.o,$(wildcard src/*.c))
		CC = gcc
		program: obj/main.o libf.a
		> $(CC) -o $@ obj/main.o -L. -lf
		libf.a: $(objects)
		> rm -f $@
		> ar rc $@ $^
		> ranlib $@
		obj/main.o: main.c | obj
		> $(CC) -O0 -Iinclude -MMD -c -o $@ $<
		obj/%.o: src/%.c | obj
		> $(CC) -O0 -Iinclude -MMD -c -o $@ $<
		obj:
		> mkdir $@
		-include $(wildcard obj/*.d)
	END
}

build()
{
	make -C mnt/project -j2 "$@" >make.log 2>&1 || fail "make: $(tail make.log)"
}

# compiled N: so many compilations in the last build.
compiled()
{
	equal "compiled ($2)" "$1" "$(grep -c -- ' -c -o ' make.log)"
}

nothing_to_do()
{
	build
	compiled 0 "$1"
	! grep -q 'ar rc' make.log || fail "$1: the library is made again"
}

runs()
{
	local i want=0

	for ((i = 0; i < FILES; i++)); do
		want=$((want + i + i % HEADERS))
	done
	equal "the program says" $want "$(mnt/project/program)"
}

with_ccache()
{
	export CCACHE_DIR=$PWD/mnt/ccache
	# f1, f1?, f1??
	mapfile -t some < <(cd mnt/project && ls obj/f1*.o)
	for _ in 1 2; do
		rm mnt/project/obj/f1*.o
		build CC='ccache gcc' "${some[@]}"
		compiled ${#some[@]} "through ccache"
	done
}

new_image 256M -b 4096
up
part build-write make_project
part build-make build
compiled $((FILES + 1)) "at first"
runs
nothing_to_do "at once"
touch mnt/project/include/h7.h
build
compiled $((FILES / HEADERS)) "a header was touched"
nothing_to_do "after the header"
echo '/* longer */' >>mnt/project/src/f5.c
build
compiled 1 "a file was written"
# make(1) goes by mtime, whatever comes later to the same file
chmod 600 mnt/project/src/f6.c
mv mnt/project/src/f7.c mnt/project/src/x && mv mnt/project/src/x mnt/project/src/f7.c
nothing_to_do "mode and name"
down
up
nothing_to_do "after a new mount"
echo '/* longer */' >>mnt/project/include/h0.h
build
compiled $((FILES / HEADERS)) "a header was written"
runs
part build-ccache with_ccache
equal "hits of ccache" ${#some[@]} "$(ccache --print-stats | awk '/^(direct|preprocessed)_cache_hit/ { n += $2 } END { print n }')"
ar t mnt/project/libf.a >members
equal "members" $FILES "$(wc -l <members)"
build
runs
nothing_to_do "after ccache"
settle
