/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of a directory on disk and as they are shown: the same bytes, except in an encrypted
 * directory, where the disk holds ciphertext and people see its no-key form.
 */
#ifndef EXT4D_FS_DIRNAME_H
#define EXT4D_FS_DIRNAME_H

#include "crypt/filekey.h"
#include "crypt/nokey.h"
#include "format/dirent.h"
#include "fs/dir.h"
#include "fs/inode.h"

/* A name someone asks for. */
struct dirname {
	const char *name;
	size_t len;
	bool is_nokey;
	struct nokey_name nokey; /* if is_nokey */
	const struct fs *fold;	 /* names that differ in case alone are one; NULL: bytes count */
	const struct filekey *key; /* with fold: what decrypts the names to compare; NULL: nothing to do */
	uint8_t sealed[DIR_NAME_MAX]; /* where name lies if it has been encrypted */
};

/*
 * Prepares name for a search in dir. *ret is not to be copied. The caller holds dir->lock while the
 * filesystem is writable. -ENOENT: dir cannot hold it, -ENAMETOOLONG; -EINVAL: not UTF-8, and the casefolded
 * directories of this filesystem take nothing else; -EIO, -ENOMEM.
 */
int dirname_init(
	struct inode *dir, const char *name, size_t len, struct dirname *ret) MUST_CHECK;

/* Whether the record is the one asked for; an unused record is nobody's. */
bool dirname_match(const struct dirname *want, const struct dirent_rec *rec);

/* Finds want in a chain of records. -ENOENT, or -EUCLEAN with *ret_why at a bad record. */
int dirname_find(const struct dirent_chain *chain, const struct dirname *want,
	struct dirent_rec *ret, const char **ret_why) MUST_CHECK;

/* Whether a record is to be listed: not if it is unused or has no name, which is an error where names are encrypted. */
bool dirname_is_shown(const struct inode *dir, const struct dirent_rec *rec);

/* Bytes for a name that dirname_show() makes. */
#define DIRNAME_SHOWN_MAX 256

/*
 * The name of a used record as it is shown: inside the record, or in buf. key: dir's, NULL if dir is not
 * encrypted or locked. hash_version: of dir's names, negative where they are shown with hash 0.
 * Returns its length; -EUCLEAN: it is no encrypted name, -EIO, -ENOMEM.
 */
ssize_t dirname_show(const struct inode *dir, const struct filekey *key,
	const struct dirent_rec *rec, int hash_version, char buf[DIRNAME_SHOWN_MAX],
	const char **ret_name) MUST_CHECK;

/* The hash and minor hash of a name on disk under an EXT2_HASH_* version. -EOPNOTSUPP. */
int dirname_hash(const struct inode *dir, int version, const void *name, size_t len,
	uint32_t *ret_hash, uint32_t *ret_minor) MUST_CHECK;

bool dirname_is_dots(const char *name, size_t len);

#endif
