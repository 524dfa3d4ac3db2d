// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes are the parent's number and two chains of records: one fills the rest of i_block, one
 * the attribute. No record lies in both. The size of the directory is what is stored.
 */
#include "config.h"

#include "fs/inlinedir.h"

#include <errno.h>

#include "format/le.h"
#include "fs/dirblock.h"
#include "fs/dirblock_edit.h"
#include "fs/fs_i.h"
#include "fs/inlineedit.h"

#define PARENT_SIZE 4 /* EXT4_INLINE_DOTDOT_SIZE */
#define NR_CHAINS 2

/* What an inline directory stores, to be changed. */
struct bytes {
	uint8_t *raw; /* owned */
	size_t len;   /* DINODE_BLOCK_SIZE or more */
};

static void bytes_fini(struct bytes *bytes)
{
	free(bytes->raw);
}

/* Where chain i begins, and how long it is. */
static uint8_t *chain_at(const struct bytes *bytes, int i, size_t *ret_size)
{
	*ret_size = i ? bytes->len - DINODE_BLOCK_SIZE : DINODE_BLOCK_SIZE - PARENT_SIZE;
	return bytes->raw + (i ? DINODE_BLOCK_SIZE : PARENT_SIZE);
}

static struct dirent_chain chain_of(const struct inode *dir, const struct bytes *bytes, int i)
{
	struct dirent_chain chain = dirblock_chain(dir);

	chain.raw = chain_at(bytes, i, &chain.size);
	return chain;
}

static int corrupt(struct inode *dir, const char *why)
{
	return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "inline directory: %s", why);
}

static int store(struct handle *h, struct inode *dir, const struct bytes *bytes)
{
	dir->d.size = bytes->len;
	return inline_store(h, dir, bytes->raw, bytes->len);
}

int inlinedir_init(struct handle *h, struct inode *dir, uint32_t parent)
{
	uint8_t raw[DINODE_BLOCK_SIZE];
	const struct bytes bytes = { raw, sizeof(raw) };

	le32_put(raw, parent);
	dirent_extend(raw + PARENT_SIZE, 0, sizeof(raw) - PARENT_SIZE);
	return store(h, dir, &bytes);
}

/* Puts rec into the first chain with room. -ENOSPC, -EUCLEAN. */
static int insert(struct inode *dir, struct bytes *bytes, const struct dirent_rec *rec)
{
	for (int i = 0; i < NR_CHAINS; i++) {
		const struct dirent_chain chain = chain_of(dir, bytes, i);
		const char *why;
		size_t off, size;
		int err = dirent_find_room(&chain, rec->name_len, &off, &why);

		if (err == -EUCLEAN)
			return corrupt(dir, why);
		if (err)
			continue;
		dirent_insert(chain_at(bytes, i, &size), chain.size, off, rec);
		return 0;
	}
	return -ENOSPC;
}

/*
 * Makes the attribute as large as it can be (ext4_update_inline_dir()). -ENOSPC where that would
 * not give room for any name. The chains have been decoded.
 */
static int lengthen(struct inode *dir, struct bytes *bytes)
{
	size_t have = bytes->len, room = 0, size;
	uint8_t *grown;
	int err = inline_capacity(dir, &room);

	if (err)
		return err;
	room -= room % 4;
	if (room <= have || room - have < DIRENT_DOT_SIZE)
		return -ENOSPC;
	grown = realloc(bytes->raw, room);
	if (!grown)
		return -ENOMEM;
	memset(grown + have, 0, room - have);
	*bytes = (struct bytes){ grown, room };
	grown = chain_at(bytes, 1, &size);
	dirent_extend(grown, have - DINODE_BLOCK_SIZE, size);
	return 0;
}

int inlinedir_add(struct handle *h, struct inode *dir, const struct dirent_rec *rec)
{
	CLEANUP(bytes_fini) struct bytes bytes = { NULL, 0 };
	int err = inline_load(dir, &bytes.raw, &bytes.len);

	if (err)
		return err;
	err = insert(dir, &bytes, rec);
	if (err == -ENOSPC) {
		err = lengthen(dir, &bytes);
		if (!err)
			err = insert(dir, &bytes, rec);
	}
	return err ? err : store(h, dir, &bytes);
}

/* The chain that has want, and where in it. -ENOENT, -EUCLEAN, -EAGAIN it is not expect's. */
static int find(struct inode *dir, const struct bytes *bytes, const struct dirname *want,
	uint32_t expect, int *ret_i, size_t *ret_off)
{
	for (int i = 0; i < NR_CHAINS; i++) {
		const struct dirent_chain chain = chain_of(dir, bytes, i);
		struct dirent_rec rec;
		const char *why;
		int err = dirname_find(&chain, want, &rec, &why);

		if (err == -EUCLEAN)
			return corrupt(dir, why);
		if (err)
			continue;
		if (expect && rec.ino != expect)
			return -EAGAIN;
		*ret_i = i;
		*ret_off = (size_t)(rec.name - chain.raw) - DIRENT_HEADER;
		return 0;
	}
	return -ENOENT;
}

int inlinedir_remove(struct handle *h, struct inode *dir, const struct dirname *want, uint32_t expect)
{
	CLEANUP(bytes_fini) struct bytes bytes = { NULL, 0 };
	uint8_t *raw;
	size_t off, size;
	int i, err = inline_load(dir, &bytes.raw, &bytes.len);

	if (!err)
		err = find(dir, &bytes, want, expect, &i, &off);
	if (err)
		return err;
	raw = chain_at(&bytes, i, &size);
	if (dirent_remove(raw, size, off))
		return corrupt(dir, "records in disorder");
	return store(h, dir, &bytes);
}

int inlinedir_replace(struct handle *h, struct inode *dir, const struct dirname *want, uint32_t expect,
	uint32_t ino, uint8_t file_type)
{
	CLEANUP(bytes_fini) struct bytes bytes = { NULL, 0 };
	size_t off, size;
	int i, err = inline_load(dir, &bytes.raw, &bytes.len);

	if (err)
		return err;
	if (dirname_is_dots(want->name, want->len)) {
		le32_put(bytes.raw, ino);
		return store(h, dir, &bytes);
	}
	err = find(dir, &bytes, want, expect, &i, &off);
	if (err)
		return err;
	dirent_repoint(chain_at(&bytes, i, &size), off, ino, file_type);
	return store(h, dir, &bytes);
}

/* Goes through all records. 0, -ENOTEMPTY if one is used, -EUCLEAN. */
static int check_records(struct inode *dir, const struct bytes *bytes)
{
	int used = 0;

	for (int i = 0; i < NR_CHAINS; i++) {
		const struct dirent_chain chain = chain_of(dir, bytes, i);
		struct dirent_rec rec;
		const char *why;

		for (size_t off = 0; off < chain.size; off += rec.rec_len) {
			if (dirent_decode(&chain, off, &rec, &why))
				return corrupt(dir, why);
			if (rec.ino)
				used = -ENOTEMPTY;
		}
	}
	return used;
}

/* Back to the state before inlinedir_convert() began: what was stored fits again. */
static void undo_drop(
	struct handle *h, struct inode *dir, const struct dinode *d, const struct bytes *bytes)
{
	int err;

	dir->d = *d;
	err = store(h, dir, bytes);
	if (err)
		journal_abort(journal_of(h), err);
}

int inlinedir_convert(struct handle *h, struct inode *dir, uint8_t dot_type)
{
	CLEANUP(bytes_fini) struct bytes bytes = { NULL, 0 };
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const size_t dots = 2 * DIRENT_DOT_SIZE, size = dirblock_leaf_size(dir);
	const struct dinode before = dir->d;
	size_t records;
	uint32_t lblk;
	int err = inline_load(dir, &bytes.raw, &bytes.len);

	if (err)
		return err;
	records = bytes.len - PARENT_SIZE;
	err = check_records(dir, &bytes);
	if (err && err != -ENOTEMPTY)
		return err;
	if (records > size - dots)
		return corrupt(dir, "more than a block");
	err = inline_drop(h, dir);
	if (err)
		return err;
	dir->d.size = 0;
	err = dirblock_append(h, dir, &lblk, &buf);
	if (err) {
		undo_drop(h, dir, &before, &bytes);
		return err;
	}
	dirent_init_dots(buf->data, dots, dir->ino, le32_get(bytes.raw), dot_type);
	memcpy(buf->data + dots, bytes.raw + PARENT_SIZE, records);
	dirent_extend(buf->data, dots + records, size);
	dirblock_seal(dir, buf, DIRBLOCK_LEAF);
	return 0;
}

int inlinedir_check_empty(struct inode *dir)
{
	CLEANUP(bytes_fini) struct bytes bytes = { NULL, 0 };
	int err = inline_load(dir, &bytes.raw, &bytes.len);

	return err ? err : check_records(dir, &bytes);
}
