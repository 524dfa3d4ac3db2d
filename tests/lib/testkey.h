/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key of tests/image/mkencrypted.c, the bytes 0 to 63, for what drives the core itself. */
#ifndef EXT4D_TESTS_LIB_TESTKEY_H
#define EXT4D_TESTS_LIB_TESTKEY_H

#include "format/fscrypt.h"
#include "fs/fs.h"

/* Gives it to fs for policies of that version; ret: what they call it. Errors as fs_add_key(). */
int testkey_add(struct fs *fs, uint8_t version, struct fscrypt_key_name *ret) MUST_CHECK;

/* The same for both versions. */
int testkey_add_all(struct fs *fs) MUST_CHECK;

#endif
