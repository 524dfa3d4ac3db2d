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
	bool show;	  /* print serials */
};

/* Puts a key into a keyring. *ret_serial: of the one that a kernel's filesystem takes, 0: it takes none. An exit status. */
int keyrings_add(const struct keyrings_how *how, const struct keysource_key *key,
	int32_t *ret_serial) MUST_CHECK;

/*
 * The serial of a key that was provisioned, for_kernel or for a server. It is valid until the process ends. An exit
 * status.
 */
int keyrings_find(const struct fscrypt_key_name *name, bool for_kernel, int32_t *ret_serial) MUST_CHECK;

#endif
