/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a raw key comes from: never from the command line, which all may read. */
#ifndef EXT4D_MISC_KEYSOURCE_H
#define EXT4D_MISC_KEYSOURCE_H

#include "crypt/masterkey.h"

enum keysource_kind {
	KEYSOURCE_FD, /* all that comes by it, standard input usually */
	KEYSOURCE_FILE,
	KEYSOURCE_TERMINAL, /* a passphrase */
	KEYSOURCE_LINE,	    /* a passphrase from standard input */
};

struct keysource {
	enum keysource_kind kind;
	int fd;
	const char *path;
	const char *params; /* of passphrases: the file, see kdfparams.h */
	bool is_new;	    /* which is to be made */
};

struct keysource_key {
	struct fscrypt_key_name name;
	size_t size;
	uint8_t raw[MASTERKEY_MAX + 1]; /* one more than a key may have shows that there is more */
};

/*
 * Reads the key. key is zeros, in memory for secrets, but for name.version, and for a descriptor, which name.bytes
 * may have: it has been given. name is complete on return. An exit status.
 */
int keysource_read(const struct keysource *source, struct keysource_key *key) MUST_CHECK;

#endif
