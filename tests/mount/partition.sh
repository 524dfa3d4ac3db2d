#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Partitions by number, label and UUID, in GPT and MBR; the only one without asking.
. "${0%/*}/../lib/test.sh"

need_tool sfdisk
small_image one 8M -L first -U 11111111-1111-4111-8111-111111111111
echo two >small-src/two
small_image two 8M -L second -U 22222222-2222-4222-8222-222222222222

# put DISK IMAGE MIB
put()
{
	dd if="$2" of="$1" bs=1M seek="$3" conv=notrunc status=none
}

# shows FILE DISK PARTITION
shows()
{
	emount "$2" mnt ${3:+-o "partition=$3"}
	[ -e "mnt/$1" ] || fail "partition=${3:-} of $2 has no $1"
	[ "$1" = two ] || [ ! -e mnt/two ] || fail "partition=${3:-} of $2 is the other one"
	eumount mnt
}

truncate -s 64M gpt
sfdisk -q --no-reread --no-tell-kernel gpt <<-'END'
	label: gpt
	start=2048, size=4096, name="vfat", type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
	start=16384, size=16384, name="the system", uuid=AAAAAAAA-1111-4111-8111-111111111111
	start=65536, size=16384, name="the data", uuid=AAAAAAAA-2222-4222-8222-222222222222
END
put gpt one 8
put gpt two 32
shows hello gpt 2
shows two gpt 3
shows hello gpt 'the system'
shows two gpt 'the data'
shows two gpt second
shows hello gpt 11111111-1111-4111-8111-111111111111
shows two gpt aaaaaaaa-2222-4222-8222-222222222222
shows two gpt AAAAAAAA-2222-4222-8222-222222222222

must_fail "$EXT4D" gpt mnt
must_say 'more than one.*partition=.*2.*3'
must_fail "$EXT4D" gpt mnt -o partition=1
must_say 'not an ext|no ext'
must_fail "$EXT4D" gpt mnt -o partition=4
must_say '4.*2.*3'
must_fail "$EXT4D" gpt mnt -o partition=nothing
must_say 'nothing'
must_fail "$EXT4D" one mnt -o partition=1
must_say 'partition'
! is_mounted mnt || fail "something is mounted"

# With one ext4 partition there is nothing to choose: mounted, and said so.
truncate -s 64M single
sfdisk -q --no-reread --no-tell-kernel single <<-'END'
	label: dos
	start=2048, size=4096, type=c
	start=16384, size=16384, type=83
END
put single one 8
"$EXT4D" single mnt 2>out
grep -q '^ext4d: .*partition 2' out || fail "does not say which partition: $(cat out)"
[ -e mnt/hello ] || fail "the only partition is not mounted"
eumount mnt

truncate -s 64M mbr
sfdisk -q --no-reread --no-tell-kernel mbr <<-'END'
	label: dos
	start=2048, size=4096, type=c
	start=8192, size=98304, type=5
	start=16384, size=16384, type=83
	start=65536, size=16384, type=83
END
put mbr one 8
put mbr two 32
shows hello mbr 5
shows two mbr 6
shows two mbr second
must_fail "$EXT4D" mbr mnt
must_say 'more than one.*5.*6'

# A partition that goes past the end of the file, a table without ext4, no table at all.
head -c 10M gpt >short
must_fail "$EXT4D" short mnt -o partition=3
must_say 'short'
truncate -s 64M empty
printf 'label: dos\nstart=2048, size=4096, type=c\n' | sfdisk -q --no-reread --no-tell-kernel empty
must_fail "$EXT4D" empty mnt
must_say 'no ext4 partition'
truncate -s 64M nothing
must_fail "$EXT4D" nothing mnt
must_say 'not an ext'
