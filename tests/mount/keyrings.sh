#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys that ext4ctl puts into the kernel's keyrings: the kernel's ext4 takes them, a mount of ours that is running
# finds them, as root's and as a user's, and nobody else reads them. keyctl(1) is the judge.

command -v keyctl >/dev/null || {
	echo "SKIP: needs the program keyctl"
	exit 77
}
keyctl id @s >/dev/null 2>&1 || {
	echo "SKIP: needs the kernel's keyrings"
	exit 77
}
# A session keyring of our own: what is in it goes with us. It does not hold the user's, which all tests share.
[ -n "${KEYRINGS_APART:-}" ] || KEYRINGS_APART=1 exec keyctl session - "$0" "$@"

. "${0%/*}/../lib/test.sh"

ctl=$BUILD/misc/ext4ctl

# serial_of TYPE: of what `key add --serials` has printed to ./added.
serial_of()
{
	awk -v type="$1" '$3 == type { print $2 }' added | grep . || fail "no serial of $1: $(cat added)"
}

# Takes away what `key add --serials` has printed to ./added, all of it and nothing else.
forget()
{
	"$ctl" key forget "$(tail -1 added)" >forgotten || fail "key forget $(tail -1 added)"
	same_lines added forgotten
}

# What `key list` says of our keys: the user's keyring may have others.
list_ours()
{
	"$ctl" key list >all || fail "key list"
	grep -E "$identifier|$descriptor" all >listed || true
}

# Of what a test that failed has left there, at last until the timeout.
forget_all()
{
	local status=$?

	set +e
	[ -z "${identifier:-}" ] || "$ctl" key forget "$identifier" >/dev/null 2>&1 || true
	[ -z "${descriptor:-}" ] || "$ctl" key forget "$descriptor" >/dev/null 2>&1 || true
	(exit "$status")
	at_end
}

# ctl_fails PATTERN ARGUMENT...
# Longer than the server remembers that a key was not there (KEYFINDER_PATIENCE_MS), in seconds: it only looks then.
PATIENCE=1.2

ctl_fails()
{
	local pattern=$1

	shift
	! "$ctl" "$@" >out 2>&1 || fail "should have failed: ext4ctl $*"
	grep -Eq -- "^ext4ctl: $pattern" out || fail "ext4ctl $*: $(cat out)"
	equal "the lines of ext4ctl $*" 1 "$(wc -l <out)"
}

is_open()
{
	[ "$(cat "$1/secret/file" 2>/dev/null)" = "a secret" ]
}

is_open_v1()
{
	[ "$(cat "$1/secret1/file" 2>/dev/null)" = "a secret" ]
}

# The server looks again after a second.
opens()
{
	wait_until 5 "$1" "$2" || fail "$2 does not open: $3"
}

# Directories under both versions, and keys of nobody else's.
prepare()
{
	head -c 64 /dev/urandom >key
	descriptor=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	make_image image 16M -t ext4 -O encrypt
	emount image mnt -o rw
	identifier=$("$ctl" key add --file key mnt)
	equal "a descriptor" "$descriptor" "$("$ctl" key add -d "$descriptor" --fd 5 mnt 5<key)"
	mkdir mnt/secret mnt/secret1
	"$ctl" policy set mnt/secret "$identifier"
	"$ctl" policy set mnt/secret1 "$descriptor"
	echo "a secret" >mnt/secret/file
	echo "a secret" >mnt/secret1/file
	chmod 755 mnt/secret mnt/secret1
	eumount mnt
	judge image
}

# The kernel's ext4 takes what we provision.
with_kernel()
{
	local ring

	for ring in session user; do
		kmount image mnt
		! is_open mnt || fail "the kernel needs no key"
		"$ctl" key add --keyring "$ring" --timeout 60 --serials --file key --kernel mnt >added
		equal "the identifier" "$identifier" "$(tail -1 added)"
		is_open mnt || fail "the kernel does not open it ($ring)"
		equal "keys in a keyring" 1 "$(grep -c "^$ring .* fscrypt-provisioning $identifier\$" added)"
		list_ours
		same_lines added listed
		kumount mnt
		kmount image mnt
		! is_open mnt || fail "the kernel kept the key"
		"$ctl" key add --provisioned "$identifier" --kernel mnt | has "$identifier" || fail "no identifier"
		is_open mnt || fail "the kernel does not open it ($ring, provisioned)"
		kumount mnt
		forget
		list_ours
		[ ! -s listed ] || fail "keys are left: $(cat listed)"
	done
	kmount image mnt
	ctl_fails "no such key" key add --provisioned "$identifier" --kernel mnt
	ctl_fails "no such key" key add --provisioned "$descriptor" --kernel mnt
	"$ctl" key add -d "$descriptor" --keyring session --serials --file key --kernel mnt >added
	equal "the descriptor" "$descriptor" "$(tail -1 added)"
	is_open_v1 mnt || fail "the kernel does not open version 1"
	equal "version 1, provisioned" "$descriptor" "$("$ctl" key add --provisioned "$descriptor" --kernel mnt)"
	ctl_fails "$PWD: (not on a mount|the filesystem is without)" key add --provisioned "$descriptor" --kernel "$PWD"
	equal "logon keys" "ext4:$descriptor fscrypt:$descriptor" \
		"$(awk '$3 == "logon" { print $4 }' added | sort | paste -sd' ')"
	kumount mnt
	forget
}

# A key that is not what it is called after, which the kernel does not mind.
wrong_for_kernel()
{
	local serial

	kmount image mnt
	# struct fscrypt_provisioning_key_payload: the type of an identifier, nothing, the key
	serial=$({ printf '\002\0\0\0\0\0\0\0'; head -c 64 /dev/urandom; } | \
		keyctl padd fscrypt-provisioning "$identifier" @s)
	ctl_fails "mnt: what the keyring has under this name is another key" \
		key add --provisioned "$identifier" --kernel mnt
	! is_open mnt || fail "open by a wrong key"
	keyctl unlink "$serial" @s >/dev/null
	kumount mnt
}

# What fails half-way leaves nothing in a keyring.
half_way()
{
	ctl_fails "absent: No such file" key add --server --file key --kernel absent
	ctl_fails "$PWD: (not on a mount|the filesystem is without)" key add --server --file key --kernel "$PWD"
	ctl_fails "$PWD: (not on a mount|the filesystem is without)" key add --server -d "$descriptor" --file key --kernel "$PWD"
	list_ours
	[ ! -s listed ] || fail "keys are left: $(cat listed)"
	ctl_fails "no such key" key forget "$identifier"
	ctl_fails "key forget takes" key forget
	ctl_fails "an identifier is" key forget 12
}

# A process in no session but its user's default one: others in it see the key, after ext4ctl has ended too.
default_session()
{
	local serial

	keyctl session "_uid_ses.$(id -u)" "$ctl" key add --keyring session --server --timeout 60 --serials \
		--file key >added 2>/dev/null || fail "no key added"
	serial=$(serial_of user)
	keyctl session "_uid_ses.$(id -u)" keyctl pipe "$serial" 2>/dev/null | cmp - key || fail "the key has gone"
	keyctl session "_uid_ses.$(id -u)" "$ctl" key forget "$identifier" 2>/dev/null | has "^session $serial user" ||
		fail "not to be forgotten"
}

# same_lines ADDED LISTED: but for the last, the name.
same_lines()
{
	[ "$(head -n -1 "$1" | sort)" = "$(sort "$2")" ] || fail "listed: $(cat "$2"), added: $(cat "$1")"
}

# A key that is for the kernel only.
not_for_servers()
{
	emount image mnt -o keyring=on
	! is_open mnt || fail "open without a key"
	"$ctl" key add --keyring session --serials --file key >added
	sleep "$PATIENCE"
	! is_open mnt || fail "open by a key that is not for servers"
	forget
	eumount mnt
}

# on_demand RINGS OPTION...: a running mount opens what a key comes for.
on_demand()
{
	local ring rings=$1

	shift
	for ring in $rings; do
		emount image mnt "$@"
		! is_open mnt || fail "open without a key"
		! is_open_v1 mnt || fail "open without a key of version 1"
		"$ctl" key add --keyring "$ring" --server --timeout 60 --serials --file key >added
		equal "the identifier" "$identifier" "$(tail -1 added)"
		opens is_open mnt "$ring"
		! is_open_v1 mnt || fail "open with a key of another name"
		list_ours
		same_lines added listed
		forget
		# what the mount has it keeps
		is_open mnt || fail "closed again"
		"$ctl" key add -d "$descriptor" --keyring "$ring" --server --timeout 60 --serials --file key >added
		opens is_open_v1 mnt "$ring"
		forget
		eumount mnt
	done
	judge image
}

# switched_off [OPTION...]
switched_off()
{
	emount image mnt "$@"
	"$ctl" key add --keyring session --server --timeout 60 --serials --file key >added
	sleep "$PATIENCE"
	! is_open mnt || fail "the key was found: $*"
	# asked for by name it is taken all the same
	"$ctl" key add --provisioned "$identifier" mnt | has "$identifier" || fail "no identifier"
	is_open mnt || fail "not open by the key's serial"
	forget
	ctl_fails "no such key" key add --provisioned "$identifier" mnt
	eumount mnt
}

# Keys of another user's, to which root's session leads as after su(1).
of_others()
{
	cp "$ctl" ext4ctl
	chmod 755 ext4ctl
	chmod 644 key
	runuser -u nobody -- keyctl link @u @s
	runuser -u nobody -- ./ext4ctl key add --server --timeout 60 --serials --file key >added
	runuser -u nobody -- ./ext4ctl key add -d "$descriptor" --server --timeout 60 --file key >added1
	keyctl pipe "$(serial_of user)" | cmp - key || fail "the session does not lead there"
	emount image mnt -o keyring=on
	! is_open mnt || fail "open by another user's key"
	! is_open_v1 mnt || fail "open by another user's key of version 1"
	ctl_fails "no such key in the keyrings" key add --provisioned "$identifier" mnt
	ctl_fails "no such key in the keyrings" key add --provisioned "$descriptor" mnt
	# one of our own behind it is found
	"$ctl" key add --server --timeout 60 --serials --file key >added
	opens is_open mnt "our own key"
	forget
	runuser -u nobody -- ./ext4ctl key forget "$identifier" >forgotten
	runuser -u nobody -- ./ext4ctl key forget "$descriptor" >forgotten
	keyctl unlink "$(runuser -u nobody -- keyctl id @u)" @s >/dev/null
	eumount mnt
	chmod 600 key
}

# One descriptor, two keys: the second is not silently dropped.
same_descriptor()
{
	emount image mnt
	equal "the descriptor" "$descriptor" "$("$ctl" key add -d "$descriptor" --file key mnt)"
	equal "the same again" "$descriptor" "$("$ctl" key add -d "$descriptor" --file key mnt)"
	head -c 64 /dev/urandom >key2
	ctl_fails "mnt: the mount has another key of that descriptor" key add -d "$descriptor" --file key2 mnt
	is_open_v1 mnt || fail "not open by the first"
	eumount mnt
}

# A key under the name of another opens nothing.
wrong_key()
{
	local serial

	emount image mnt -o keyring=on
	serial=$(head -c 64 /dev/urandom | keyctl padd user "ext4d:$identifier" @s)
	sleep "$PATIENCE"
	! is_open mnt || fail "open by a wrong key"
	ls mnt/secret >/dev/null || fail "a wrong key in the keyring, and nothing is listed"
	ctl_fails "mnt: what the keyring has under this name is another key" key add --provisioned "$identifier" mnt
	keyctl unlink "$serial" @s >/dev/null
	eumount mnt
}

timeouts()
{
	local serial

	emount image mnt -o keyring=on
	"$ctl" key add --keyring session --server --timeout 5 --serials --file key >added
	serial=$(serial_of user)
	is_open mnt || fail "not open before the timeout"
	eumount mnt
	sleep 5.5 # the timeout that it was given, in seconds, and a bit
	! keyctl print "$serial" >/dev/null 2>&1 || fail "the key is there after its timeout"
	emount image mnt -o keyring=on
	! is_open mnt || fail "open after the timeout"
	eumount mnt
	ctl_fails "--timeout takes" key add --timeout 0
}

# denied WHO COMMAND...: it may not.
denied()
{
	local who=$1

	shift
	! "$@" >out 2>&1 || fail "$who: can read it"
	grep -q 'Permission denied\|Required key not available' out || fail "$who: $(cat out)"
}

permissions()
{
	local serial

	"$ctl" key add --keyring session --server --timeout 60 --serials --file key >added
	serial=$(serial_of user)
	equal "what its possessor reads" "$(od -An -tx1 key)" "$(keyctl pipe "$serial" | od -An -tx1)"
	keyctl rdescribe "$serial" | has '^user;0;[0-9]*;3b000000;ext4d:' || fail "permissions: $(keyctl rdescribe "$serial")"
	denied "another user in a session of theirs" runuser -u nobody -- keyctl session - keyctl print "$serial"
	denied "root in another session" keyctl session - keyctl print "$serial"
	serial=$(serial_of fscrypt-provisioning)
	keyctl rdescribe "$serial" | has "^fscrypt-provisioning;" || fail "no such key"
	! keyctl print "$serial" >/dev/null 2>&1 || fail "the kernel gives it back"
	forget
	"$ctl" key add --server --timeout 60 --serials --file key >added
	serial=$(serial_of user)
	denied "another user" runuser -u nobody -- keyctl session - keyctl print "$serial"
	denied "root in a session without the user's keyring" keyctl session - keyctl print "$serial"
	forget
}

# What a user does on a mount of root's.
on_roots_mount()
{
	emount image mnt -o allow_other
	cp "$ctl" ext4ctl
	chmod 755 ext4ctl
	chmod 644 key
	cat >user.sh <<-'END'
		. ./names
		./ext4ctl key add --server --keyring session --timeout 60 --serials --file key >user.added || exit 1
		serial=$(awk '$3 == "user" { print $2 }' user.added)
		echo "provisioned $(./ext4ctl key add --provisioned "$identifier" mnt 2>&1)"
		# only if its owner lets the server see and read it
		keyctl setperm "$serial" 0x3b000003
		echo "shared $(./ext4ctl key add --provisioned "$identifier" mnt 2>&1)"
	END
	echo "identifier=$identifier" >names
	user_dir user
	: >user.added
	chown nobody user.added
	runuser -u nobody -- keyctl session - sh user.sh >user.log 2>/dev/null
	has '^provisioned ext4ctl: mnt: the server may not see or read' <user.log || fail "$(cat user.log)"
	has "^shared $identifier" <user.log || fail "$(cat user.log)"
	is_open mnt || fail "a user has shared a key, and it is not open"
	eumount mnt
	chmod 600 key
}

# A user's own mount in the user's own session, which holds the user's keyring (a login) or not (a service).
as_a_user()
{
	local link

	need_user_mounts
	user_dir user
	cp image user/image
	cp key user/key
	chown nobody user/image user/key
	cp "$EXT4D" ext4d
	cp "$ctl" ext4ctl
	cat >user.sh <<-'END'
		. ./names
		[ "$1" = apart ] || keyctl link @u @s
		cd user
		mkdir -p mnt
		trap '../ext4d --unmount mnt' EXIT
		../ext4d "$PWD/image" mnt || exit 1
		# grep(1) finds itself too, and has gone
		for found in $(grep -lzFx "$PWD/image" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); do
			[ ! -d "/proc/$found" ] || server=$found
		done
		[ "$(stat -c %u "/proc/$server/fd")" = "$(id -u)" ] || exit 8
		for ring in session user; do
			! cat mnt/secret/file 2>/dev/null || exit 2
			../ext4ctl key add --server --keyring $ring --timeout 60 --serials --file key >added || exit 3
			for try in 1 2 3 4 5 6 7; do
				[ ! -e mnt/secret/file ] || break
				sleep 0.3
			done
			cat mnt/secret/file || exit 4
			# with a key the server is nobody's to trace, and so its files in /proc are root's
			[ "$ring" != session ] || [ "$(stat -c %u "/proc/$server/fd")" = 0 ] || exit 9
			../ext4ctl key forget "$identifier" >forgotten || exit 5
			../ext4d --unmount mnt || exit 6
			../ext4d image mnt || exit 7
		done
		exit 0
	END
	echo "identifier=$identifier" >names
	for link in linked apart; do
		runuser -u nobody -- keyctl session - bash user.sh "$link" >user.log 2>user.err ||
			fail "a user's mount ($link) ended with $?: $(cat user.err)"
		equal "what the user reads ($link)" 2 "$(grep -c '^a secret$' user.log)"
	done
}

# A user's mount for others too: the user's keys are not looked for, unless that was asked for.
for_others()
{
	cat >others.sh <<-'END'
		. ./names
		cd user
		mkdir -p mnt
		trap '../ext4d --unmount mnt' EXIT
		../ext4ctl key add --server --keyring session --file key >added || exit 1
		../ext4d image mnt -o allow_other || exit 2
		! cat mnt/secret/file 2>/dev/null || exit 3
		../ext4d --unmount mnt || exit 4
		../ext4d image mnt -o allow_other,keyring=on || exit 5
		cat mnt/secret/file || exit 6
	END
	echo user_allow_other >fuse.conf
	unshare -m sh -c 'mount --bind fuse.conf /etc/fuse.conf && exec runuser -u nobody -- keyctl session - bash others.sh' \
		>user.log 2>user.err || fail "a user's mount for others ended with $?: $(cat user.err)"
	has '^a secret$' <user.log || fail "$(cat user.log)"
}

arguments()
{
	ctl_fails "a key comes from one place" key add --fd 3 --file key
	ctl_fails "--params is for" key add --params f mnt
	ctl_fails "--new is for" key add --new mnt
	must_fail "$EXT4D" image mnt -o keyring=maybe
	must_say 'option keyring: "maybe" is not auto, on or off'
	ctl_fails "a passphrase takes" key add --passphrase mnt
	ctl_fails "--keyring takes" key add --keyring thread
	ctl_fails "a mount point, or" key add --server mnt
	ctl_fails "key add takes one" key add mnt mnt
	ctl_fails "--provisioned takes" key add --provisioned "$identifier"
	ctl_fails "--provisioned says all" key add --provisioned "$identifier" --server mnt
	ctl_fails "key add: unknown option" key add --raw 00 mnt
	ctl_fails "key add: unknown option" key add --file
	ctl_fails "absent: No such file" key add --file absent mnt
	ctl_fails "descriptor 9: Bad file" key add --fd 9 mnt
	ctl_fails "key list takes" key list a b
}

need_loop
[ -x "$ctl" ] || fail "$ctl is not built"
trap forget_all EXIT
prepare
arguments
with_kernel
wrong_for_kernel
half_way
default_session
not_for_servers
on_demand "session user" -o keyring=on
on_demand session -o rw,keyring=on
# as root without being asked to neither
switched_off
switched_off -o keyring=off
of_others
same_descriptor
wrong_key
timeouts
permissions
on_roots_mount
as_a_user
for_others
