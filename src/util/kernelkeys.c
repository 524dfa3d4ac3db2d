// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/kernelkeys.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static long keyctl(int cmd, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	long got = syscall(SYS_keyctl, cmd, a, b, c, d);

	return got < 0 ? -errno : got;
}

/* Special serials are negative; the kernel takes 32 bits. */
static unsigned long as_arg(int32_t serial)
{
	return (unsigned long)(long)serial;
}

static unsigned long ring_arg(enum kernelkeys_ring ring)
{
	return as_arg(ring == KERNELKEYS_SESSION ? KEY_SPEC_SESSION_KEYRING : KEY_SPEC_USER_KEYRING);
}

int kernelkeys_reach_user(void)
{
	return (int)keyctl(KEYCTL_LINK, as_arg(KEY_SPEC_USER_KEYRING), as_arg(KEY_SPEC_PROCESS_KEYRING), 0, 0);
}

int kernelkeys_add(const char *type, const char *description, const void *payload, size_t len,
	int32_t *ret)
{
	long got = syscall(SYS_add_key, type, description, payload, len, KEY_SPEC_THREAD_KEYRING);

	if (got < 0)
		return -errno;
	*ret = (int32_t)got;
	return 0;
}

int kernelkeys_set_perm(int32_t serial, uint32_t perm)
{
	return (int)keyctl(KEYCTL_SETPERM, as_arg(serial), perm, 0, 0);
}

int kernelkeys_set_timeout(int32_t serial, unsigned seconds)
{
	return (int)keyctl(KEYCTL_SET_TIMEOUT, as_arg(serial), seconds, 0, 0);
}

int kernelkeys_link(int32_t serial, enum kernelkeys_ring ring)
{
	/*
	 * By its serial: asked to change "the session's" the kernel makes a new one for a process that is in its user's
	 * default one, which nobody else would see.
	 */
	long into = keyctl(KEYCTL_GET_KEYRING_ID, ring_arg(ring), 0, 0, 0);

	return into < 0 ? (int)into : (int)keyctl(KEYCTL_LINK, as_arg(serial), as_arg((int32_t)into), 0, 0);
}

int kernelkeys_unlink(int32_t serial, enum kernelkeys_ring ring)
{
	return (int)keyctl(KEYCTL_UNLINK, as_arg(serial), ring_arg(ring), 0, 0);
}

static int search(enum kernelkeys_ring ring, const char *type, const char *description,
	unsigned long into, int32_t *ret)
{
	long got = keyctl(KEYCTL_SEARCH, ring_arg(ring), (unsigned long)type,
		(unsigned long)description, into);

	if (got < 0)
		return (int)got;
	*ret = (int32_t)got;
	return 0;
}

int kernelkeys_find(enum kernelkeys_ring ring, const char *type, const char *description, int32_t *ret)
{
	return search(ring, type, description, 0, ret);
}

int kernelkeys_take(enum kernelkeys_ring ring, const char *type, const char *description, int32_t *ret)
{
	return search(ring, type, description, as_arg(KEY_SPEC_THREAD_KEYRING), ret);
}

ssize_t kernelkeys_read(int32_t serial, void *buf, size_t size)
{
	return keyctl(KEYCTL_READ, as_arg(serial), (unsigned long)buf, size, 0);
}

/* "type;uid;gid;permissions;description"; only the last may hold semicolons. */
static int parse_about(const char *text, struct kernelkeys_about *ret)
{
	int at = 0;

	if (sscanf(text, "%31[^;];%" SCNu32 ";%*u;%" SCNx32 ";%n", ret->type, &ret->uid, &ret->perm,
		    &at) != 3 || !at)
		return -EINVAL;
	if (strlen(text + at) >= sizeof(ret->description))
		return -ENAMETOOLONG;
	memcpy(ret->description, text + at, strlen(text + at) + 1);
	return 0;
}

int kernelkeys_describe(int32_t serial, struct kernelkeys_about *ret)
{
	char text[2 * KERNELKEYS_TEXT];
	long got = keyctl(KEYCTL_DESCRIBE, as_arg(serial), (unsigned long)text, sizeof(text), 0);

	if (got < 0)
		return (int)got;
	/* filled only if all of it has room, the NUL too */
	if ((size_t)got > sizeof(text))
		return -ENAMETOOLONG;
	return parse_about(text, ret);
}

ssize_t kernelkeys_list(enum kernelkeys_ring ring, int32_t *serials, size_t nr)
{
	long got = keyctl(KEYCTL_READ, ring_arg(ring), (unsigned long)serials, nr * sizeof(*serials), 0);

	return got < 0 ? got : got / (long)sizeof(*serials);
}
