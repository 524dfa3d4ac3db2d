#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged group descriptors: what they lead to is lost, the other groups are not.
. "${0%/*}/../lib/hurt.sh"

# Two groups; the inodes of the second are those from the inodes per group on.
SIZE=12M
make_image good $SIZE -t ext4 -b $BS -N 512 -d src
# put in afterwards, so that the first group has /keep
for i in {1..300}; do
	echo "file $i" >"f$i"
	echo "write f$i f$i"
done >commands
debugfs -w -f commands good >/dev/null 2>&1
per_group=$(number_at $((1024 + 0x28)) 4)
in_second=
for i in {1..300}; do
	if [ "$(ino_of "/f$i")" -gt "$per_group" ]; then
		in_second=f$i
		break
	fi
done
[ -n "$in_second" ] || fail "no file in the second group"
keep=$(ino_of /keep/big)
[ "$keep" -le "$per_group" ] || fail "/keep is not in the first group"
# descriptors of 64 bytes behind the superblock's block
gd=$((2 * BS))
second=$((gd + 64))

hurt_only "wrong checksum" $((second + 0x1e)):2=0
start
equal "contents" "$(cat "$in_second")" "$(cat "mnt/$in_second")"
stop 'descriptor of group 1 fails its checksum'

for table in 0 1 12288 12280 0x7fffffff; do
	hurt_only "inode table at $table" $((second + 8)):4=$table
	start
	gives EUCLEAN cat "mnt/$in_second"
	in_time ls -l mnt
	in_time stat -f mnt
	cmp f1 mnt/f1
	stop 'inode table of group 1 at block|group 1 fails its checksum'
done

hurt_only "the high half of the table's number" $((second + 0x28)):4=1
start
gives EUCLEAN cat "mnt/$in_second"
stop 'inode table of group 1 at block 4[0-9]* leaves the filesystem'

hurt_only "counts and bitmaps" $((second)):4=0x7fffffff $((second + 4)):4=0 \
	$((second + 0xc)):2=0xffff $((second + 0xe)):2=0xffff $((second + 0x12)):2=0xffff
start
stat -f mnt >/dev/null || fail "statfs fails"
equal "contents" "$(cat "$in_second")" "$(cat "mnt/$in_second")"
stop 'descriptor of group 1 fails its checksum'

# the root directory is there
hurt_only "inode table of the first group" $((gd + 8)):4=0x7fffffff
refused_after 'inode table of group 0 at block 2147483647 leaves the filesystem'
