#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Building leaves nothing that git would take for a part of the project.
. "${0%/*}/../lib/test.sh"

need_tool git
git -C "$TOP" rev-parse --is-inside-work-tree >/dev/null 2>&1 || skip "not a git checkout"

left=$(git -c safe.directory='*' -C "$TOP" ls-files --others --exclude-standard |
	grep -E '\.(o|a|in|log|trs|m4|d)$|^(configure|build-aux|autom4te)|^tests/unit/test_[a-z]*$' || true)
[ -z "$left" ] || fail "left by the build: $left"
