#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --help and --version go to stdout with exit 0, fit 80 columns, and the man pages know every option.
. "${0%/*}/../lib/test.sh"

"$EXT4D" --help >help 2>err || fail "--help ends with $?"
[ ! -s err ] || fail "--help writes to stderr"
wide=$(awk 'length > 80' help)
[ -z "$wide" ] || fail "wider than 80 columns: $wide"
equal "the version's words" 2 "$("$EXT4D" --version | wc -w)"

# What the command line understands is in the man page, or is one of those it lumps together.
man=$TOP/misc/ext4d.1
tr -d '\\' <"$man" >man
lumped=' auto noauto users nouser owner group comment X-* relatime strictatime lazytime nolazytime
	diratime suid dev exec atime nodiratime async user_xattr context fscontext defcontext
	rootcontext '
while read -r option; do
	option=${option/\*/[*]}
	grep -qE "(^|[ ,.(])$option([=, .)]|\$)" man || [[ $lumped == *[[:space:]]"$option"[[:space:]]* ]] ||
		fail "the man page does not know -o $option"
done < <(sed -n 's/^\t{ "\([^"]*\)", VALUE_.*/\1/p' "$TOP/src/options.c")

for option in $(grep -oE '^  (-[a-zA-Z], )?--?[a-z]+' help | grep -oE -- '--?[a-z]+'); do
	grep -qF -- "$option" man || fail "the man page does not know $option"
done

ctl=$BUILD/misc/ext4ctl
"$ctl" --help >help 2>err || fail "ext4ctl --help ends with $?"
[ ! -s err ] || fail "ext4ctl --help writes to stderr"
wide=$(awk 'length > 80' help)
[ -z "$wide" ] || fail "wider than 80 columns: $wide"
tr -d '\\' <"$TOP/misc/ext4ctl.1" >man
for option in $(grep -oE -- '--[a-z][a-z0-9-]+' help | sort -u) $(sed -n 's/^\t{ "\([a-z0-9-]*\)", .*_argument, .*/--\1/p' "$TOP"/misc/*.c); do
	grep -qF -- "$option" man || fail "ext4ctl's man page does not know $option"
done
