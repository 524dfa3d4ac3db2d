#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The policies that `ext4ctl policy set` makes: the kernel takes each for the one that it was asked for (it sets a
# policy on a directory that has it already, and on no other), or policy get says so, where it lacks the cipher.
. "${0%/*}/../lib/test.sh"

ctl=$BUILD/misc/ext4ctl

# What ext4ctl is told, and mkencrypted; the kernel here has no Adiantum, no ESSIV and no HCTR2.
same_policies()
{
	cat <<-END
		default | -f 3
		--padding 4 | -f 0
		--padding 8 --names aes-256-cbc-cts | -f 1
		--padding 16 --contents aes-256-xts | -f 2
		--iv-ino-lblk-64 | -f 0x0b
		--iv-ino-lblk-32 --padding 8 | -f 0x11
		--data-unit 512 | -u 9
		--data-unit 2048 --padding 4 | -u 11 -f 0
	END
}

# What ext4ctl is told, and policy get tells: version, modes, flags.
told_policies()
{
	cat <<-END
		--contents Adiantum --names Adiantum | 2 9 9 0x03
		--contents adiantum --names adiantum --direct-key --padding 16 | 2 9 9 0x06
		--names AES-256-HCTR2 | 2 1 10 0x03
		--contents AES-128-CBC --names AES-128-CTS | 2 5 6 0x03
		--contents AES-128-CBC-ESSIV --names AES-128-CBC-CTS | 2 5 6 0x03
	END
}

# refused STATUS PATTERN ARGUMENT...
refused()
{
	local status=$1 pattern=$2 got=0

	shift 2
	"$ctl" policy set "$@" >out 2>&1 || got=$?
	equal "the status of policy set $*" "$status" "$got"
	grep -Eq -- "^ext4ctl: $pattern" out || fail "policy set $*: $(cat out)"
}

need_loop
[ -x "$ctl" ] || fail "$ctl is not built"
make_image image 16M -t ext4 -b 4096 -O encrypt,stable_inodes
emount image mnt -o rw,keyring=off
identifier=$(printf '%b' "$(printf '\\x%02x' {0..63})" | "$ctl" key add mnt)
nr=0
while IFS='|' read -r options _; do
	options=${options/default/}
	nr=$((nr + 1))
	mkdir "mnt/$nr"
	# shellcheck disable=SC2086
	"$ctl" policy set $options "mnt/$nr" "$identifier"
	echo "number $nr" >"mnt/$nr/a file"
done < <(same_policies)
while IFS='|' read -r options told; do
	mkdir "mnt/told"
	# shellcheck disable=SC2086
	"$ctl" policy set $options mnt/told "$identifier"
	equal "$options" "${told# }" "$("$ctl" policy get mnt/told | awk '$1 != "key" { printf "%s%s", sep, $NF; sep = " " }')"
	echo "a secret" >mnt/told/file
	equal "contents under $options" "a secret" "$(cat mnt/told/file)"
	rm -r mnt/told
done < <(told_policies)
mkdir mnt/no
refused 2 "--contents takes" --contents AES-256-CTS mnt/no "$identifier"
refused 2 "--names takes" --names AES-256-XTS mnt/no "$identifier"
refused 2 "--padding takes" --padding 2 mnt/no "$identifier"
refused 2 "--padding takes" --padding 24 mnt/no "$identifier"
refused 2 "--data-unit takes" --data-unit 256 mnt/no "$identifier"
refused 2 "policy set: unknown" --cipher none mnt/no "$identifier"
refused 2 "policy set takes" mnt/no
# what the kernel would not use
refused 1 "mnt/no: Invalid argument" --contents AES-128-CBC mnt/no "$identifier"
refused 1 "mnt/no: Invalid argument" --direct-key mnt/no "$identifier"
refused 1 "mnt/no: Invalid argument" --iv-ino-lblk-64 --iv-ino-lblk-32 mnt/no "$identifier"
refused 1 "mnt/no: Invalid argument" --data-unit 8192 mnt/no "$identifier"
eumount mnt
judge image
kmount image mnt
nr=0
while IFS='|' read -r options told; do
	nr=$((nr + 1))
	# shellcheck disable=SC2086
	equal "the key of $options" "$identifier" "$("$(tool image/mkencrypted)" $told "mnt/$nr")"
	equal "contents under $options" "number $nr" "$(cat "mnt/$nr/a file")"
done < <(same_policies)
kumount mnt
judge image
