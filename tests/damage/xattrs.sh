#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# Damaged extended attributes: in the inode, in a block, in an inode of their own. The file's
# contents have nothing to do with them.
. "${0%/*}/../lib/hurt.sh"

need_tool getfattr setfattr
TYPE=ext4
IMAGE=(-I 256)
seq 500 >src/victim
seq 600 >src/other

# Attributes are put in with debugfs: where the tests run there may be none.
attributes()
{
	head -c 30 /dev/zero | tr '\0' s >short
	head -c 700 /dev/zero | tr '\0' l >long
	head -c 3000 /dev/zero | tr '\0' h >huge
	printf '%s\n' "ea_set -f short /victim user.short" "ea_set -f long /victim user.long" \
		"ea_set -f short /other user.short" >commands
	[ "$1" = "" ] || echo "ea_set -f huge /victim user.huge" >>commands
	debugfs -w -f commands good >debugfs.log 2>&1
	inode=$(inode_at /victim)
	ino=$(ino_of /victim)
	body=$((inode + 128 + $(number_at $((inode + 128)) 2)))
	block=$(($(number_at $((inode + 0x68)) 4) * BS))
	[ "$block" != 0 ] || fail "no attribute block: $(cat debugfs.log)"
	equal "the attributes' magic" $((0xea020000)) "$(number_at $body 4)"
	equal "the block's magic" $((0xea020000)) "$(number_at $block 4)"
}

value()
{
	getfattr --absolute-names --only-values -n "$1" "$2"
}

# What has nothing to do with the damage.
contents_fine()
{
	cmp src/victim mnt/victim
	cmp src/other mnt/other
	equal "the other file's attribute" "$(cat short)" "$(value user.short mnt/other)"
	stat mnt/victim >/dev/null
}

# in_body PATTERN NAME CHANGE...: no attribute of the victim can be had.
in_body()
{
	hurt "${@:2}"
	start
	gives EUCLEAN value_of user.short mnt/victim
	gives EUCLEAN value_of user.long mnt/victim
	gives EUCLEAN listing mnt/victim
	contents_fine
	stop "inode $ino: attributes in the inode: $1"
}

# in_block ERROR PATTERN NAME CHANGE...: those in the block cannot be had.
in_block()
{
	start
	equal "the attribute in the inode" "$(cat short)" "$(value user.short mnt/victim)"
	gives "$1" value_of user.long mnt/victim
	gives "$1" listing mnt/victim
	contents_fine
	stop "inode $ino: attribute block [0-9]+( is|: ) ?$2"
}

# gives() starts programs. getfattr -d does not fail where listxattr(2) does not.
cat >value_of <<'END'
#!/bin/sh
exec getfattr --absolute-names --only-values -n "$1" "$2"
END
cat >listing <<'END'
#!/bin/sh
exec getfattr --absolute-names -d "$1"
END
chmod +x value_of listing
PATH=$PWD:$PATH

for feature in metadata_csum ^metadata_csum; do
	echo "=== $feature"
	build -O "$feature"
	attributes ""
	# the only entry in the inode: name length, index, offset, inode, size
	entry=$((body + 4))
	in_body 'name out of bounds' "body: name too long" $entry:1=250
	in_body 'value out of bounds' "body: value past the end" $((entry + 2)):2=200
	in_body 'value out of bounds' "body: value far past the end" $((entry + 2)):2=0xfffc
	in_body 'value too large' "body: value of 4 GiB" $((entry + 8)):4=0xffffffff
	in_body 'value out of bounds' "body: value of 64 KiB" $((entry + 8)):4=0x10000
	in_body 'value overlaps the names' "body: value over the names" $((entry + 2)):2=0
	in_body 'value in an inode without' "body: value in an inode" $((entry + 4)):4=12
	in_body 'NUL in a name' "body: NUL in a name" $((entry + 17)):1=0
	hurt "body: no magic" $body:4=0
	start
	gives ENODATA value_of user.short mnt/victim
	equal "the attribute in the block" "$(cat long)" "$(value user.long mnt/victim)"
	contents_fine
	stop

	entry=$((block + 32))
	hurt "block: magic" $block:4=0
	in_block EUCLEAN 'bad header'
	hurt "block: two blocks" $((block + 8)):4=2
	in_block EUCLEAN 'bad header'
	hurt "block: name too long" $entry:1=255 $((entry + 16 + 240)):4=0x01010101 \
		$((entry + 272)):4=0xffffffff
	in_block EUCLEAN '(name|value) out of bounds|NUL'
	hurt "block: value past the end" $((entry + 2)):2=1020
	in_block EUCLEAN 'value out of bounds'
	hurt "block: value over the header" $((entry + 2)):2=0
	in_block EUCLEAN 'value overlaps the names'
	hurt "block: value too large" $((entry + 8)):4=0x7fffffff
	in_block EUCLEAN 'value'
	hurt "block past the end" $((inode + 0x68)):4=0x7fffffff
	in_block EUCLEAN 'impossible'
	hurt "block 1" $((inode + 0x68)):4=1
	in_block EUCLEAN 'impossible'
	hurt "a block of zeros" $((inode + 0x68)):4=4000
	in_block EUCLEAN 'bad header'
done

build
attributes ""
hurt_only "block: checksum" $((block + BS - 4)):1=65
in_block EBADMSG 'checksum does not match'
hurt_only "block: checksum itself" $((block + 16)):4=0
in_block EBADMSG 'checksum does not match'

# ---- values in inodes of their own ----

build -O ea_inode
attributes huge
# the entry of "huge": in the inode or in the block
entry=$(grep -abo huge good | cut -d: -f1 | while read -r at; do
	if [ "$(number_at $((at - 16)) 1)" = 4 ] && [ "$(number_at $((at - 16 + 4)) 4)" != 0 ]; then
		echo $((at - 16))
		break
	fi
done)
[ -n "$entry" ] || skip "this debugfs makes no value inodes"
ea_ino=$(number_at $((entry + 4)) 4)
ea_inode=$(inode_at "<$ea_ino>")

# ea_case PATTERN NAME CHANGE...: the value cannot be had, the other ones can.
ea_case()
{
	hurt "${@:2}"
	start
	gives EUCLEAN value_of user.huge mnt/victim
	[ -n "$(value user.short mnt/victim)" ] || fail "no short value"
	contents_fine
	stop "$1"
}

# not every debugfs takes all of it
equal "the value inode's size" "$(number_at $((entry + 8)) 4)" "$(number_at $((ea_inode + 4)) 4)"
head -c "$(number_at $((ea_inode + 4)) 4)" huge >stored
hurt "a good value inode"
start
equal "the huge value" "$(cat stored)" "$(value user.huge mnt/victim)"
contents_fine
stop
ea_case 'its own attribute value' "the file itself" $((entry + 4)):4="$ino"
ea_case 'not a value inode' "another file" $((entry + 4)):4="$(ino_of /other)"
ea_case "value in inode 200" "a free inode" $((entry + 4)):4=200
ea_case 'wrong size' "size" $((ea_inode + 4)):4=2001
ea_case 'not a regular file' "a directory" $ea_inode:2=0x41ed
ea_case 'impossible flags' "inline" \
	$((ea_inode + 0x20)):4=$(($(number_at $((ea_inode + 0x20)) 4) | 0x10000000))
ea_case 'has attributes' "attributes of a value" $((ea_inode + 0x68)):4=100
ea_case 'extent outside' "no block" $((ea_inode + 60)):4=0x7fffffff
ea_case 'hash does not match' "hash" $((ea_inode + 8)):4=1
ea_case 'hash does not match' "contents" $(($(number_at $((ea_inode + 60)) 4) * BS)):1=1
for to in 1 2 7 0x7fffffff; do
	hurt "value inode $to" $((entry + 4)):4=$to
	start
	gives EUCLEAN value_of user.huge mnt/victim
	contents_fine
	stop 'impossible value inode'
done
hurt_only "the value inode's checksum" $((ea_inode + 0x10)):4=0
start
gives EBADMSG value_of user.huge mnt/victim
contents_fine
stop "inode $ea_ino: inode fails its checksum"
