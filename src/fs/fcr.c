// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fast commits in memory. This file keeps what is known, by inode and by name, and answers the
 * questions of the readers; fcr_tags.c says what each tag means, fcr_runs.c puts maps together.
 *
 * The state is what the filesystem had at its last fsync. In everything that usual operations
 * leave behind it is also what the kernel's replay makes of it, its habits included: a directory
 * made by a fast commit has one link and no blocks counted, one that was changed bears the time of
 * the replay, i_blocks does not count the block of extended attributes. Where the kernel's
 * replay loses data (a file made by O_TMPFILE and linked, a file that outgrew its inline data, a
 * directory made in the place of one just removed) or gives up (a file removed while open), the
 * tags still say what was meant, and that is shown.
 *
 * Trees instead of hash tables, as who made the image chose all the keys.
 */
#include "config.h"

#include "fs/fcr.h"

#include <errno.h>
#include <search.h>
#include <string.h>

#include "fs/fcr_i.h"
#include "fs/fs_i.h"

/* A growing array with room for one more element, or NULL. */
static void *list_grow(void *list, size_t *room, size_t nr, size_t size)
{
	size_t want = *room ? *room * 2 : 8;
	void *grown;

	if (nr < *room)
		return list;
	grown = reallocarray(list, want, size);
	if (grown)
		*room = want;
	return grown;
}

static void forget(void *node)
{
	(void)node; /* the lists own what is in the trees */
}

/* ---- inodes ---- */

static int compare_inodes(const void *a, const void *b)
{
	uint32_t x = ((const struct fcr_inode *)a)->ino, y = ((const struct fcr_inode *)b)->ino;

	return x < y ? -1 : x > y;
}

struct fcr_inode *fcr_inode_find(const struct fcr *fcr, uint32_t ino)
{
	struct fcr_inode key = { .ino = ino };
	void *node = tfind(&key, &fcr->inodes, compare_inodes);

	return node ? *(struct fcr_inode **)node : NULL;
}

static void inode_free(struct fcr_inode *fi)
{
	fcr_dir_reset(&fi->dir);
	free(fi->ops.v);
	free(fi->map.v);
	free(fi->raw);
	free(fi);
}

int fcr_charge(struct fcr *fcr, size_t n)
{
	if (n > FCR_MAX_BYTES - fcr->bytes) {
		log_error(fcr->fs->log, "the fast commits change too much");
		return -ENOMEM;
	}
	fcr->bytes += n;
	return 0;
}

int fcr_inode_need(struct fcr *fcr, uint32_t ino, struct fcr_inode **ret)
{
	struct fcr_inode *fi = fcr_inode_find(fcr, ino), **list;
	int err;

	*ret = fi;
	if (fi)
		return 0;
	err = fcr_charge(fcr, sizeof(*fi));
	if (err)
		return err;
	list = list_grow(fcr->list, &fcr->room, fcr->nr, sizeof(*list));
	if (!list)
		return -ENOMEM;
	fcr->list = list;
	fi = calloc(1, sizeof(*fi));
	if (!fi)
		return -ENOMEM;
	fi->ino = ino;
	if (!tsearch(fi, &fcr->inodes, compare_inodes)) {
		free(fi);
		return -ENOMEM;
	}
	fcr->list[fcr->nr++] = fi;
	*ret = fi;
	return 0;
}

/* ---- names ---- */

/* A name together with its bytes. */
struct named {
	struct fcr_name name; /* first: the trees hold pointers to it */
	char bytes[];
};

static int compare_names(const void *a, const void *b)
{
	const struct fcr_name *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->name, y->name, x->len);
}

static struct fcr_name *dir_find(const struct fcr_dir *dir, const char *name, size_t len)
{
	struct fcr_name key = { .name = name, .len = len };
	void *node = tfind(&key, &dir->names, compare_names);

	return node ? *(struct fcr_name **)node : NULL;
}

int fcr_dir_need(struct fcr *fcr, struct fcr_dir *dir, const struct fcommit_dentry *tag,
	struct fcr_name **ret)
{
	size_t len = tag->name_len;
	struct fcr_name **list;
	struct named *named;
	int err;

	*ret = dir_find(dir, tag->name, len);
	if (*ret)
		return 0;
	err = fcr_charge(fcr, sizeof(*named) + len);
	if (err)
		return err;
	list = list_grow(dir->list, &dir->room, dir->nr, sizeof(*list));
	if (!list)
		return -ENOMEM;
	dir->list = list;
	named = malloc(sizeof(*named) + len);
	if (!named)
		return -ENOMEM;
	memcpy(named->bytes, tag->name, len);
	named->name = (struct fcr_name){ .name = named->bytes, .len = len };
	if (!tsearch(&named->name, &dir->names, compare_names)) {
		free(named);
		return -ENOMEM;
	}
	dir->list[dir->nr++] = &named->name;
	*ret = &named->name;
	return 0;
}

void fcr_dir_reset(struct fcr_dir *dir)
{
	tdestroy(dir->names, forget);
	for (size_t i = 0; i < dir->nr; i++)
		free(dir->list[i]);
	free(dir->list);
	*dir = (struct fcr_dir){ 0 };
}

/* ---- replay ---- */

void fcr_free(struct fcr *fcr)
{
	if (!fcr)
		return;
	tdestroy(fcr->inodes, forget);
	for (size_t i = 0; i < fcr->nr; i++)
		inode_free(fcr->list[i]);
	free(fcr->list);
	free(fcr);
}

static void fcr_freep(struct fcr **fcr)
{
	fcr_free(*fcr);
}

int fcr_replay(struct fs *fs, const struct recover_source *src, const struct recover_result *result,
	struct fcr **ret)
{
	CLEANUP(fcr_freep) struct fcr *fcr = calloc(1, sizeof(*fcr));
	uint64_t nr_tags;
	int err;

	*ret = NULL;
	if (!fcr)
		return -ENOMEM;
	fcr->fs = fs;
	clock_gettime(CLOCK_REALTIME, &fcr->now);
	err = recover_fast_commit(src, result, fs->sb.inode_size, fcr_tags_apply, fcr, &nr_tags);
	for (size_t i = 0; !err && i < fcr->nr; i++)
		err = fcr_runs_finish(fcr, fcr->list[i]);
	if (!err && nr_tags)
		*ret = STEAL(fcr);
	return err;
}

/* ---- answers ---- */

const uint8_t *fcr_inode_raw(const struct fcr *fcr, uint32_t ino)
{
	const struct fcr_inode *fi = fcr_inode_find(fcr, ino);

	return fi ? fi->raw : NULL;
}

void fcr_attach_map(const struct fcr *fcr, uint32_t ino, struct extmap *map)
{
	const struct fcr_inode *fi = fcr_inode_find(fcr, ino);

	if (fi && fi->has_map)
		extmap_set_fixed(map, fi->map.v, fi->map.nr);
}

const struct fcr_dir *fcr_dir_find(const struct fcr *fcr, uint32_t ino)
{
	const struct fcr_inode *fi = fcr_inode_find(fcr, ino);

	return fi && (fi->dir.nr || fi->dir.is_new) ? &fi->dir : NULL;
}

bool fcr_dir_is_new(const struct fcr_dir *dir, uint32_t *ret_parent)
{
	if (dir->is_new)
		*ret_parent = dir->parent;
	return dir->is_new;
}

bool fcr_dir_lookup(const struct fcr_dir *dir, const char *name, size_t len, uint32_t *ret_ino)
{
	const struct fcr_name *known = dir_find(dir, name, len);

	if (known)
		*ret_ino = known->ino;
	return known;
}

bool fcr_dir_name(const struct fcr_dir *dir, size_t i, struct fcr_name *ret)
{
	if (i >= dir->nr)
		return false;
	*ret = *dir->list[i];
	return true;
}
