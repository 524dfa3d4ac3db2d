# SPDX-License-Identifier: GPL-2.0-or-later
# For scripts that need a mount namespace of their own. Such a namespace begins as a copy, and a filesystem goes
# only when the last namespace has let it go: so it gives up at once what belongs to the tests beside it.

# apart SCRIPT [ARGUMENT...]: runs it in one, in place of the caller, with its name in APART.
apart()
{
	APART=$1 exec unshare -m --propagation private "$@"
}

# Called first by what was started so.
drop_copies()
{
	awk '/ - fuse/ || / - ext[234] \/dev\/loop/ { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r path; do
			umount -i -l "$(printf '%b' "$path")" || true
		done
}
