/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast commits replayed into memory. The kernel replays them by changing the filesystem; a
 * read-only mount keeps instead, per inode they touched, what differs from the disk: the raw
 * inode, the extents, the names added to and removed from a directory. ext4_fc_replay()
 * in fs/ext4/fast_commit.c is what the outcome must agree with.
 */
#ifndef EXT4D_FS_FCR_H
#define EXT4D_FS_FCR_H

#include <stdbool.h>
#include <stdint.h>

#include "blk/overlay.h"
#include "fs/inode.h"
#include "fs/map.h"
#include "journal/recover.h"

struct fcr;

/*
 * Replays the fast commits that recovery found (result->fc_nr blocks of src) over fs, which
 * must be open and not yet in use by others. *ret is NULL if there was none that counts.
 * -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
int fcr_replay(struct fs *fs, const struct recover_source *src, const struct recover_result *result,
	struct fcr **ret) MUST_CHECK;
void fcr_free(struct fcr *fcr);

/*
 * Makes fs, writable and with an open journal, be what fcr says, which fs->fcr is not any more. Takes
 * many transactions: the caller sees to it that they reach the image together. -EUCLEAN, -EBADMSG,
 * -ENOSPC, -EIO, -ENOMEM.
 */
int fcr_apply(struct fs *fs, struct fcr *fcr) MUST_CHECK;

/* Whether ino's raw inode was replayed; its sb->inode_size bytes, or NULL. */
const uint8_t *fcr_inode_raw(const struct fcr *fcr, uint32_t ino);

/* Shows a new inode's map the replayed extents, if its extents were touched; fcr must outlive it. */
void fcr_attach_map(const struct fcr *fcr, uint32_t ino, struct extmap *map);

/* What replay did to the names of one directory; NULL if nothing. */
struct fcr_dir;
const struct fcr_dir *fcr_dir_find(const struct fcr *fcr, uint32_t ino);

/*
 * Whether the directory was made by a fast commit: its blocks hold nothing, its parent (for "..")
 * is *ret_parent.
 */
bool fcr_dir_is_new(const struct fcr_dir *dir, uint32_t *ret_parent);

/* What replay says of a name: true with the inode (0: removed), false: nothing, ask the disk. */
bool fcr_dir_lookup(const struct fcr_dir *dir, const char *name, size_t len, uint32_t *ret_ino);

/* The i-th name that replay added, or NULL; names are not NUL-terminated. */
struct fcr_name {
	const char *name;
	size_t len;
	uint32_t ino;
};
bool fcr_dir_name(const struct fcr_dir *dir, size_t i, struct fcr_name *ret);

#endif
