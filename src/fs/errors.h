/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a writable filesystem does about damage: remembers it as ext4's superblock has it (counts, first
 * and last error), and goes on, turns read-only or exits, as errors= says. fs_corrupt() is the
 * way in; see fs.h.
 */
#ifndef EXT4D_FS_ERRORS_H
#define EXT4D_FS_ERRORS_H

#include <pthread.h>
#include <stdint.h>

#include "fs/fs.h"
#include "journal/journal.h"

#define ERRORS_WHAT_MAX 32 /* bytes of s_last_error_func, where the kernel names a function */

struct error_record {
	int64_t time; /* seconds */
	uint32_t ino;
	uint8_t code; /* EXT4_ERR_* */
	char what[ERRORS_WHAT_MAX];
};

struct errors {
	pthread_mutex_t lock; /* leaf; everything below */
	uint32_t count;	      /* since the mount */
	struct error_record first, last;
};

void errors_init(struct errors *errors);
void errors_fini(struct errors *errors);

/* Notes an error of fs, which is open for writing, and does what its policy asks for. */
void errors_raise(struct fs *fs, uint32_t ino, int err, const char *what);

/* Notes one without consequences: the journal has aborted by itself. Any lock may be held. */
void errors_note(struct fs *fs, uint32_t ino, int err, const char *what);

/*
 * Something is half done because of err: aborts h's journal, which alone keeps the image consistent. Not
 * for damage, which was reported and is errors='s to decide about. Returns err.
 */
int errors_abort(struct handle *h, int err) MUST_CHECK;

/* Puts what was noted into a raw superblock; nothing if nothing was. Once per raw superblock and error. */
void errors_patch(struct fs *fs, uint8_t *raw);

/* Writes it to the superblock on disk at once, past the journal; not while the image is frozen. Best effort. */
void errors_store(struct fs *fs);

#endif
