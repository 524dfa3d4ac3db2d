#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys that come from passphrases: by scrypt as RFC 7914 has it, the same each time, not by a wrong one, with the file
# that keeps the salt checked; typed without echo, twice when it is new.
. "${0%/*}/../lib/test.sh"

ctl=$BUILD/misc/ext4ctl

# from_stdin PASSPHRASE FILE [ARGUMENT...]: the key's name.
from_stdin()
{
	local passphrase=$1 params=$2

	shift 2
	printf '%s' "$passphrase" | "$ctl" key add --passphrase-stdin --params "$params" "$@" mnt
}

# refused PATTERN PASSPHRASE FILE [ARGUMENT...]
refused()
{
	local pattern=$1

	shift
	! from_stdin "$@" >out 2>&1 || fail "taken: $*"
	grep -Eq -- "^ext4ctl: $pattern" out || fail "$*: $(cat out)"
	equal "lines" 1 "$(wc -l <out)"
}

# The vector of RFC 7914 with N=16384: our identifier of its key, given raw, is what the passphrase gives.
vector()
{
	local identifier

	identifier=$(printf '%b' "$(sed 's/../\\x&/g' <<-'END'
		7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887
	END
	)" | head -c 64 | "$ctl" key add mnt)
	cat >rfc <<-END
		version 1
		kdf scrypt
		salt $(printf SodiumChloride | od -An -tx1 | tr -d ' ')
		n 16384
		r 8
		p 1
		key $identifier
	END
	equal "RFC 7914" "$identifier" "$(from_stdin pleaseletmein rfc)"
	equal "with a newline behind" "$identifier" "$(from_stdin $'pleaseletmein\n' rfc)"
	refused "wrong passphrase for rfc" pleaseletmeout rfc
	refused "the passphrase is empty" "" rfc
	refused "standard input: more than one line" $'pleaseletmein\nplease' rfc
	refused "a passphrase has at most 1024" "$(printf '%01025d' 1)" rfc
}

fresh_files()
{
	local identifier descriptor=00112233445566aa

	refused "new: No such file or directory; --new makes it" "a passphrase" new
	[ ! -e new ] || fail "a file that nobody asked for"
	identifier=$(from_stdin "a passphrase" new --new)
	equal "mode" 600 "$(stat -c %a new)"
	has "^key $identifier\$" <new || fail "$(cat new)"
	cp new before
	equal "the second time" "$identifier" "$(from_stdin "a passphrase" new)"
	refused "new: File exists" "a passphrase" new --new
	cmp new before || fail "the file was changed"
	equal "version 1" "$descriptor" "$(from_stdin "a passphrase" v1 --new -d "$descriptor")"
	equal "version 1, by the file" "$descriptor" "$(from_stdin "a passphrase" v1)"
	[ "$(grep ^salt new)" != "$(grep ^salt v1)" ] || fail "one salt for two keys"
	[ "$(grep ^key new)" != "$(grep ^key v1)" ] || fail "one key of two salts"
	refused "v1: of a key with another" "a passphrase" v1 -d 00112233445566ab
	refused "new: of a key with another" "a passphrase" new -d "$descriptor"
	ln -s nowhere dangling
	refused "dangling: File exists" "a passphrase" dangling --new
	refused "absent/new: No such file" "a passphrase" absent/new --new
	[ ! -e nowhere ] || fail "written through a link"
}

# damage SED-EXPRESSION
damage()
{
	sed "$1" rfc >damaged
	! cmp -s rfc damaged || fail "nothing damaged by $1"
	refused "damaged: not the parameters of a passphrase" pleaseletmein damaged
}

damaged_files()
{
	local expression

	for expression in /^salt/d /^n/d /^key/d '/^salt/s/ .*/ 00/' '/^salt/s/..$/zz/' 's/^n .*/n 16383/' \
		's/^n .*/n 1/' 's/^n .*/n 1073741824/' 's/^r .*/r 0/' 's/^r .*/r 1000000/' 's/^p .*/p 1000/' \
		's/^p .*/p/' s/scrypt/argon2id/ 's/^version 1/version 2/' '/^key/s/..$//' '/^key/s/$/00/' \
		'/^p/p' '$aseed 1' '$adescriptor 00'; do
		damage "$expression"
	done
	# as much memory as a file may ask for, and no more
	damage 's/^n .*/n 2097152/'
	# scrypt's own limit
	damage 's/^r .*/r 1/;s/^n .*/n 65536/'
	head -c 5000 /dev/zero | tr '\0' '#' >damaged
	refused "damaged: not the parameters" pleaseletmein damaged
	mkdir -p directory
	refused "directory: " pleaseletmein directory
}

# Whether so many have been asked on ./screen.
questions()
{
	[ "$(grep -o ': ' screen | wc -l)" -ge "$1" ]
}

# typed OPTION LINE...: what ext4ctl says on a terminal where that is typed, a line for each question.
typed()
{
	local option=$1 line asked=0

	shift
	rm -f screen keys
	mkfifo keys
	script -qec "$ctl key add --passphrase --params typed $option mnt; echo status \$?" /dev/null <keys >screen 2>&1 &
	exec 5>keys
	for line; do
		# once the question is there what is typed is not shown any more
		asked=$((asked + 1))
		wait_until 30 questions "$asked" || fail "no question: $(cat screen)"
		printf '%s\n' "$line" >&5
	done
	wait_until 60 grep -q '^status' screen || fail "no end: $(cat screen)"
	exec 5>&-
	wait
	cat screen
}

# A signal that comes while it asks ends it as ever, and the terminal shows what is typed again.
interrupted()
{
	local signal=$1 status=$2

	rm -f screen keys pid
	mkfifo keys
	cat >ask.sh <<-END
		sh -c 'echo \$\$ >pid; exec "\$0" key add --passphrase --params typed mnt' "$ctl"
		echo "status \$?"
		stty -a
		echo done
	END
	script -qec ". ./ask.sh" /dev/null <keys >screen 2>&1 &
	exec 5>keys
	wait_until 30 questions 1 || fail "no question: $(cat screen)"
	kill "-$signal" "$(cat pid)"
	wait_until 30 grep -q '^done' screen || fail "$signal: no end: $(cat screen)"
	exec 5>&-
	wait
	has "^status $status" <screen || fail "$signal: $(cat screen)"
	has '[ ;]echo ' <screen || fail "$signal: no echo: $(cat screen)"
}

on_a_terminal()
{
	local identifier

	need_tool script
	typed --new one two >said 2>&1
	has 'the two passphrases are not the same' <said || fail "$(cat said)"
	[ ! -e typed ] || fail "a file of what was typed wrong"
	typed --new "my secret" "my secret" >said 2>&1
	has '^status 0' <said || fail "$(cat said)"
	! has 'my secret' <said || fail "shown: $(cat said)"
	has '^New passphrase: ' <said || fail "$(cat said)"
	interrupted TERM 143
	interrupted HUP 129
	identifier=$(sed -n 's/^key //p' typed)
	has "$identifier" <said || fail "$(cat said)"
	equal "the same from standard input" "$identifier" "$(from_stdin "my secret" typed)"
	typed "" "my secrets" >said 2>&1
	has "wrong passphrase for typed" <said || fail "$(cat said)"
	has '^Passphrase: ' <said || fail "asked otherwise: $(cat said)"
	script -qec "$ctl key add mnt; echo status \$?" /dev/null </dev/null >said 2>&1
	has 'a raw key does not come from a terminal' <said || fail "$(cat said)"
	# without a terminal
	! setsid -w "$ctl" key add --passphrase --params typed mnt </dev/null >out 2>&1 || fail "without a terminal"
	has '^ext4ctl: no terminal' <out || fail "$(cat out)"
}

[ -x "$ctl" ] || fail "$ctl is not built"
need_user_mounts
make_image image 8M -t ext4 -O encrypt
emount image mnt
vector
fresh_files
damaged_files
on_a_terminal
eumount mnt
