/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's keyrings (keyrings(7)), by the system calls themselves: glibc has none of them. Nothing here makes
 * the kernel ask anybody for a key (request_key(2)). What a call may reach is decided by the calling thread's
 * credentials and keyrings.
 */
#ifndef EXT4D_UTIL_KERNELKEYS_H
#define EXT4D_UTIL_KERNELKEYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"

enum kernelkeys_ring {
	KERNELKEYS_SESSION, /* of the login or service that the process belongs to, else the user's default one */
	KERNELKEYS_USER,    /* of the uid: the same in all its sessions */
	KERNELKEYS_RINGS,
};

#define KERNELKEYS_TEXT 256 /* bytes of a type and of a description that count here, with the NUL */

struct kernelkeys_about {
	char type[32];
	uint32_t uid, perm; /* perm: a byte each for possessor, user, group, others */
	char description[KERNELKEYS_TEXT];
};

#define KERNELKEYS_WRITE 0x04040404 /* in perm: anybody may give it another payload */

/*
 * The user's keyring counts as the process's own from now on, in a session that does not hold it too (a service's):
 * a key counts as possessed only if a process's own keyrings lead to it. For all threads that are begun later; a
 * child process has to do it again. -EDQUOT, -ENOSYS.
 */
int kernelkeys_reach_user(void) MUST_CHECK;

/*
 * Makes a key that only the calling thread has, *ret its serial; of one of that type and description that it has
 * already the payload is replaced. -EDQUOT, -EINVAL, -ENODEV no such type, -ENOSYS no keyrings.
 */
int kernelkeys_add(const char *type, const char *description, const void *payload, size_t len,
	int32_t *ret) MUST_CHECK;

/* Who may do what, KEY_POS_* and so on of keyrings(7). -EACCES, -ENOKEY. */
int kernelkeys_set_perm(int32_t serial, uint32_t perm) MUST_CHECK;

/* Seconds from now on until it expires. Errors as above. */
int kernelkeys_set_timeout(int32_t serial, unsigned seconds) MUST_CHECK;

/* Puts it into a keyring, in the place of one of the same type and description. -EACCES, -EDQUOT. */
int kernelkeys_link(int32_t serial, enum kernelkeys_ring ring) MUST_CHECK;

/* Takes it out of a keyring; in others it stays. -ENOENT, -EACCES. */
int kernelkeys_unlink(int32_t serial, enum kernelkeys_ring ring);

/* A key in that ring, or in one that it holds. -ENOKEY, -EKEYEXPIRED, -EKEYREVOKED, -EACCES. */
int kernelkeys_find(enum kernelkeys_ring ring, const char *type, const char *description,
	int32_t *ret) MUST_CHECK;

/*
 * The payload; returns its length, and nothing of it if that is more than size. Waits for one that is still being made,
 * which request_key(2) does for its caller's keys only. -EACCES, -ENOKEY, -EKEYEXPIRED, -EKEYREVOKED, -EOPNOTSUPP of a
 * type that cannot be read.
 */
ssize_t kernelkeys_read(int32_t serial, void *buf, size_t size) MUST_CHECK;

/* What is known of it, at once. -EACCES, -ENOKEY and so on; -ENAMETOOLONG a description that is none of ours. */
int kernelkeys_describe(int32_t serial, struct kernelkeys_about *ret) MUST_CHECK;

/* The serials in a ring; returns how many there are, and none of them if that is more than nr. -EACCES. */
ssize_t kernelkeys_list(enum kernelkeys_ring ring, int32_t *serials, size_t nr) MUST_CHECK;

/*
 * Makes the key found in that ring the calling thread's own, so that the kernel takes its serial for one of a key
 * that the thread possesses. Errors as kernelkeys_find().
 */
int kernelkeys_take(enum kernelkeys_ring ring, const char *type, const char *description,
	int32_t *ret) MUST_CHECK;

#endif
