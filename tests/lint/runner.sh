#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A runner that is told to end takes down what its tests have mounted, started and written.
. "${0%/*}/../lib/test.sh"

mkdir scratch

# mount/atime is one that takes a while.
for signal in TERM INT; do
	TMPDIR=$WORK/scratch setsid env --default-signal=INT "$TOP/tests/run" mount/atime >run.log 2>&1 &
	runner=$!
	wait_until 60 eval "grep -q '$WORK/scratch' /proc/self/mountinfo" || fail "nothing is mounted: $(cat run.log)"
	kill -"$signal" "$runner"
	wait_until 30 is_gone "$runner" || fail "SIG$signal does not end the runner"
	! grep "$WORK/scratch" /proc/self/mountinfo || fail "mounted after SIG$signal"
	equal "files left after SIG$signal" '' "$(ls -A scratch)"
	equal "processes left after SIG$signal" '' "$(processes_under "$WORK/scratch")"
done
