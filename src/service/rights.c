// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "service/server.h"

/*
 * For a unit that runs the server as root, too: a root without capabilities may do what the owner of root's files
 * may. User and files are for the service manager to take away.
 */
int service_drop_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint32_t have = 0, may_have = 0;

	/* another server of this user, which a hostile image has taken over, must not reach into this one */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	/* it ends with EINVAL after the last one, or EPERM where there is none to drop */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	if (syscall(SYS_capget, &head, caps))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		have |= caps[i].effective | caps[i].permitted;
		may_have |= caps[i].inheritable;
	}
	memset(caps, 0, sizeof(caps));
	if (!(have | may_have) || syscall(SYS_capset, &head, caps) == 0)
		return 0;
	/* a filter of system calls may not let it through; what others could inherit is nothing without new privileges */
	return have ? -errno : 0;
}
