#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Every input that once crashed the fuzzer, and its seeds, are read and changed without a complaint.
. "${0%/*}/../lib/test.sh"

need_tool mke2fs debugfs e2fsck

# with sanitizers if there is such a build
main=${EXT4D_ASAN:+${EXT4D_ASAN%/src/ext4d}/tests/fuzz/fuzz_main}
[ -x "${main:-}" ] || main=$(tool fuzz/fuzz_main)

mkdir crashers
for file in "$TOP"/tests/fuzz/crashers/*.gz; do
	name=${file##*/}
	gunzip -c "$file" >"crashers/${name%.gz}"
done
"$TOP/tests/fuzz/mkseeds" "$main" seeds

# one by one, so that a failure names its input
for input in crashers/* seeds/*; do
	for change in "" "-w 1" "-w 2" "-w 3"; do
		# shellcheck disable=SC2086
		"$main" $change "$input" >out 2>&1 || {
			tail -n 40 out >&2
			fail "$change $input"
		}
	done
done
