// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record must reach the disk although the journal may be what is broken: it is patched into the
 * superblock at its home, and into each copy that goes through the journal, so that replaying an older
 * one takes it away only until the next.
 */
#include "config.h"

#include "fs/errors.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/le.h"
#include "fs/fs_i.h"
#include "fs/superblock.h"

#define SB_HOME 1024 /* bytes from the beginning of the filesystem */

#define EXIT_PANIC 70 /* EX_SOFTWARE */

/* s_first_error_errcode and s_last_error_errcode: EXT4_ERR_* of fs/ext4/ext4.h. */
enum {
	CODE_UNKNOWN = 1,
	CODE_EIO = 2,
	CODE_ENOMEM = 3,
	CODE_EFSBADCRC = 4,
	CODE_EFSCORRUPTED = 5,
	CODE_ENOSPC = 6,
	CODE_EROFS = 8,
};

enum {
	SB_FIRST_ERRCODE = 0x27A,
	SB_LAST_ERRCODE = 0x27B,
};

static uint8_t code_of(int err)
{
	switch (err) {
	case -EIO:
		return CODE_EIO;
	case -ENOMEM:
		return CODE_ENOMEM;
	case -EBADMSG:
		return CODE_EFSBADCRC;
	case -EUCLEAN:
		return CODE_EFSCORRUPTED;
	case -ENOSPC:
		return CODE_ENOSPC;
	case -EROFS:
		return CODE_EROFS;
	default:
		return CODE_UNKNOWN;
	}
}

void errors_init(struct errors *errors)
{
	memset(errors, 0, sizeof(*errors));
	pthread_mutex_init(&errors->lock, NULL);
}

void errors_fini(struct errors *errors)
{
	pthread_mutex_destroy(&errors->lock);
}

void errors_note(struct fs *fs, uint32_t ino, int err, const char *what)
{
	struct errors *errors = &fs->errors;
	struct error_record record = { .time = time(NULL), .ino = ino, .code = code_of(err) };

	memcpy(record.what, what, strnlen(what, sizeof(record.what)));
	pthread_mutex_lock(&errors->lock);
	if (!errors->count++)
		errors->first = record;
	errors->last = record;
	pthread_mutex_unlock(&errors->lock);
}

/* Seconds with the eight bits that lie elsewhere. */
static void put_record(uint8_t *raw, const struct error_record *record, const unsigned at[5])
{
	le32_put(raw + at[0], (uint32_t)record->time);
	raw[at[1]] = (uint8_t)((uint64_t)record->time >> 32);
	le32_put(raw + at[2], record->ino);
	memcpy(raw + at[3], record->what, sizeof(record->what));
	raw[at[4]] = record->code;
}

void errors_patch(struct fs *fs, uint8_t *raw)
{
	static const unsigned first[5] = { SB_FIRST_ERROR_TIME, SB_FIRST_ERROR_TIME_HI,
		SB_FIRST_ERROR_INO, SB_FIRST_ERROR_FUNC, SB_FIRST_ERRCODE };
	static const unsigned last[5] = { SB_LAST_ERROR_TIME, SB_LAST_ERROR_TIME_HI,
		SB_LAST_ERROR_INO, SB_LAST_ERROR_FUNC, SB_LAST_ERRCODE };
	struct errors *errors = &fs->errors;

	pthread_mutex_lock(&errors->lock);
	if (errors->count) {
		le16_put(raw + SB_STATE, le16_get(raw + SB_STATE) | EXT2_ERROR_FS);
		if (!le32_get(raw + SB_FIRST_ERROR_TIME))
			put_record(raw, &errors->first, first);
		put_record(raw, &errors->last, last);
		le32_put(raw + SB_ERROR_COUNT, fs->errors_before + errors->count);
	}
	pthread_mutex_unlock(&errors->lock);
}

void errors_store(struct fs *fs)
{
	uint8_t raw[SUPERBLOCK_SIZE];

	/* what was noted is written with the superblock of fs_thaw() */
	if (atomic_load(&fs->frozen) || atomic_load(&fs->shut_down))
		return;
	if (blk_read(fs->blk, SB_HOME, raw, sizeof(raw)))
		return;
	errors_patch(fs, raw);
	superblock_seal(fs, raw);
	if (blk_write(fs->blk, SB_HOME, raw, sizeof(raw)) || blk_flush(fs->blk))
		log_error(fs->log, "the error could not be recorded in the superblock");
}

/* As the superblock says, unless the mount option does. */
static enum fs_errors policy(const struct fs *fs)
{
	if (fs->opts.errors != FS_ERRORS_DEFAULT)
		return fs->opts.errors;
	switch (fs->ext2->super->s_errors) {
	case EXT2_ERRORS_RO:
		return FS_ERRORS_RO;
	case EXT2_ERRORS_PANIC:
		return FS_ERRORS_PANIC;
	default:
		return FS_ERRORS_CONTINUE;
	}
}

int errors_abort(struct handle *h, int err)
{
	if (err && err != -EUCLEAN && err != -EBADMSG)
		journal_abort(journal_of(h), err);
	return err;
}

void errors_raise(struct fs *fs, uint32_t ino, int err, const char *what)
{
	bool first;

	errors_note(fs, ino, err, what);
	pthread_mutex_lock(&fs->errors.lock);
	first = fs->errors.count == 1;
	pthread_mutex_unlock(&fs->errors.lock);
	switch (policy(fs)) {
	case FS_ERRORS_PANIC:
		errors_store(fs);
		log_error(fs->log, "errors=panic: exiting");
		_exit(EXIT_PANIC);
	case FS_ERRORS_RO:
		if (atomic_exchange(&fs->read_only, true))
			return;
		log_error(fs->log, "the filesystem is read-only from now on");
		if (fs->journal)
			journal_abort(fs->journal, -EIO);
		errors_store(fs);
		return;
	default:
		/* later ones are stored with the next change of the superblock, or at the end */
		if (first)
			errors_store(fs);
	}
}
