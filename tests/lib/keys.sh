# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The key of mkencrypted.c for a mount, of either kind. After tests/lib/test.sh.

ctl=$BUILD/misc/ext4ctl
descriptor=e4d0010203040506 # that of version 1 in mkencrypted.c

# The bytes 0 to 63.
test_key()
{
	printf '%b' "$(printf '\\x%02x' {0..63})"
}

# The kernel's mount $1 gets it for both versions.
kernel_keys()
{
	"$(tool image/mkencrypted)" -k "$1" || fail "no keys for the kernel's $1"
}

# ext4d's mount $1 does.
server_keys()
{
	test_key | "$ctl" key add "$1" >/dev/null || fail "no key for $1"
	test_key | "$ctl" key add -d "$descriptor" "$1" >/dev/null || fail "no key of version 1 for $1"
}
