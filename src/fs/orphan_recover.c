// SPDX-License-Identifier: GPL-2.0-or-later
/* At mount: the orphans that a crash left, ext4_orphan_cleanup() in the kernel. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "fs/fs_i.h"
#include "fs/ialloc.h"
#include "fs/orphan_i.h"

struct counts {
	unsigned freed, truncated;
};

static bool is_damage(int err)
{
	return err == -EUCLEAN || err == -EBADMSG || err == -ESTALE;
}

/* ---- what there is ---- */

/* 0 if ino may be an orphan, with its i_dtime. */
static int check_orphan(struct fs *fs, uint32_t ino, uint32_t *ret_dtime)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const uint8_t *raw;
	struct dinode d;
	bool used;
	int err;

	if (ino < fs->sb.first_ino || ino > fs->sb.inodes || super_ino_special(&fs->sb, ino))
		return fs_corrupt(fs, 0, -EUCLEAN, "impossible orphan inode %u", ino);
	if (orphan_is_known(fs, ino))
		return fs_corrupt(fs, ino, -EUCLEAN, "orphan more than once");
	err = ialloc_in_use(fs, ino, &used);
	if (err)
		return err;
	if (!used)
		return fs_corrupt(fs, ino, -EUCLEAN, "orphan but free");
	err = dinode_load_raw(fs, ino, &buf, &raw);
	if (!err)
		err = dinode_decode(&fs->sb, raw, &d);
	*ret_dtime = err ? 0 : d.dtime;
	return err;
}

static int enter(struct fs *fs, uint32_t ino, uint8_t bits, uint32_t slot, struct orphan **ret)
{
	struct orphan *orphan = calloc(1, sizeof(*orphan));

	if (!orphan)
		return -ENOMEM;
	orphan->ino = ino;
	orphan->bits = bits | ORPHAN_KNOWN;
	orphan->slot = slot;
	orphan_enter(fs->orphans, orphan);
	*ret = orphan;
	return 0;
}

/* What follows tail (NULL: all) is cut off: the list on disk ends where ours does. */
static int cut_list(struct fs *fs, const struct orphan *tail)
{
	struct handle *h;
	int err = journal_start(fs->journal, 1, &h), stop_err;

	if (err)
		return err;
	err = tail ? dinode_write_dtime(h, fs, tail->ino, 0) : orphan_write_last(h, fs, 0);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* Reads the list through the superblock. It is as long as there are different orphans. */
static int read_list(struct fs *fs)
{
	uint32_t ino = fs->ext2->super->s_last_orphan, next;
	struct orphan *tail = NULL, *orphan;
	int err;

	for (uint64_t turn = 0; ino; turn++, ino = next) {
		if (fs_interrupted(fs, turn))
			return -EINTR;
		err = check_orphan(fs, ino, &next);
		if (is_damage(err))
			return cut_list(fs, tail);
		if (!err)
			err = enter(fs, ino, ORPHAN_LISTED, ORPHAN_NO_SLOT, &orphan);
		if (err)
			return err;
		orphan->prev = tail;
		*(tail ? &tail->next : &fs->orphans->head) = orphan;
		tail = orphan;
	}
	return 0;
}

/* Enters what the slots of the orphan file name. A slot that names no orphan is left to e2fsck. */
static int read_file(struct fs *fs)
{
	struct orphan *orphan;
	uint32_t slot, ino, dtime;
	int err;

	for (slot = 0; orphanfile_next(fs->orphans->file, &slot, &ino); slot++) {
		err = check_orphan(fs, ino, &dtime);
		if (is_damage(err))
			continue;
		if (!err)
			err = enter(fs, ino, 0, slot, &orphan);
		if (err)
			return err;
	}
	return 0;
}

/* ---- finishing what was begun ---- */

static int process(struct fs *fs, uint32_t ino, struct counts *counts)
{
	struct dinode d;
	int err = dinode_load_special(fs, ino, &d);

	if (err)
		return err;
	if (d.nlink)
		counts->truncated++;
	else
		counts->freed++;
	return d.nlink ? orphan_truncate(fs, ino) : orphan_free(fs, ino);
}

/* Damage keeps one orphan from being freed, not the others. */
static int process_one(struct fs *fs, uint32_t ino, struct counts *counts)
{
	int err = process(fs, ino, counts);

	if (!err || is_damage(err)) /* which has been reported */
		return 0;
	log_error(fs->log, "orphan inode %u cannot be freed: %s", ino, strerror(-err));
	return err;
}

static int process_all(struct fs *fs)
{
	struct orphans *orphans = fs->orphans;
	struct counts counts = { 0 };
	struct orphan *orphan, *next;
	uint32_t slot, ino;
	int err = 0;

	for (orphan = orphans->head; orphan && !err; orphan = next) {
		next = orphan->next;
		err = process_one(fs, orphan->ino, &counts);
	}
	for (slot = 0; !err && orphans->file && orphanfile_next(orphans->file, &slot, &ino); slot++)
		if (orphan_is_known(fs, ino))
			err = process_one(fs, ino, &counts);
	if (counts.freed || counts.truncated)
		log_info(fs->log, "%u orphan inodes freed, %u truncations finished", counts.freed,
			counts.truncated);
	return err;
}

static int recover(struct fs *fs)
{
	int err = orphanfile_open(fs, &fs->orphans->file);

	if (err)
		return err;
	if (fs->sb.has_errors) {
		/*
		 * as the kernel: what is damaged is not touched; e2fsck finds them without a list
		 */
		if (!fs->ext2->super->s_last_orphan)
			return 0;
		log_warn(fs->log, "the filesystem has errors: orphan inodes are left to e2fsck");
		return cut_list(fs, NULL);
	}
	err = read_list(fs);
	if (!err && fs->orphans->file)
		err = read_file(fs);
	return err ? err : process_all(fs);
}

int orphan_recover(struct fs *fs)
{
	int err = orphan_new(fs);

	return err ? err : recover(fs);
}
