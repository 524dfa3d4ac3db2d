/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys in the kernel's keyrings: for its own filesystems, which take them by serial (version 2) or look for them by
 * name (version 1), and for our server (crypt/provisioned.h). A key is made complete, with its permissions and its
 * end, before it can be found.
 */
#ifndef EXT4D_MISC_KEYRINGS_H
#define EXT4D_MISC_KEYRINGS_H

#include "keysource.h"
#include "util/kernelkeys.h"

struct keyrings_how {
	enum kernelkeys_ring ring;
	unsigned timeout; /* seconds; 0: for ever */
	bool server;	  /* for a server too */
	bool kernel;	  /* a filesystem of the kernel's is to take it now */
	bool show;	  /* print serials */
};

#define KEYRINGS_MADE 3 /* at most, of one key */

struct keyrings_key {
	int32_t serial;
	const char *type;
	char description[KERNELKEYS_TEXT];
};

struct keyrings_made {
	unsigned nr;
	struct keyrings_key keys[KEYRINGS_MADE];
	int32_t for_kernel; /* the serial of the one that a filesystem of the kernel's takes; 0: it takes none */
};

/* Makes what is to be put into a keyring; the calling thread alone has it until then. An exit status. */
int keyrings_make(const struct keyrings_how *how, const struct keysource_key *key,
	struct keyrings_made *ret) MUST_CHECK;

/* Puts all of it into the keyring, or nothing. An exit status. */
int keyrings_publish(const struct keyrings_how *how, const struct keyrings_made *made) MUST_CHECK;

/*
 * A key that was provisioned, for_kernel or for a server. The serial is valid until the process ends. An exit
 * status.
 */
int keyrings_find(const struct fscrypt_key_name *name, bool for_kernel, int32_t *ret_serial) MUST_CHECK;

#endif
