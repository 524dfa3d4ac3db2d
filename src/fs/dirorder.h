/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a directory in the order of its names' hashes: the only order that is still the same
 * after the directory has split blocks in between. Positions are below DIRORDER_END.
 */
#ifndef EXT4D_FS_DIRORDER_H
#define EXT4D_FS_DIRORDER_H

#include "fs/dirblock.h"

#define DIRORDER_END ((uint64_t)1 << 60)

/* Who reads. */
struct dirorder_reader {
	/* A used record, and the position after it. false: stop, this one did not fit. */
	bool (*record)(void *arg, const struct dirent_rec *rec, uint64_t next);
	/* Something is left out because of err; 0 to go on, or what to return. */
	int (*damage)(void *arg, int err);
	void *arg;
};

/*
 * Whether dir is to be read this way, and the version of its hash: an indexed directory, and as
 * the kernel has it one that may become indexed without anybody who reads it noticing
 * (is_dx_dir()): of one block, or inline.
 */
bool dirorder_applies(struct inode *dir, int *ret_version);

/* Reads the blocks of dir from pos on. 0 at the end or when stopped, or the error of damage(). */
int dirorder_walk(struct inode *dir, int version, uint64_t pos,
	const struct dirorder_reader *reader) MUST_CHECK;

/* The same for the nr chains of an inline directory, without "." and ".." (positions 0 and 1). */
int dirorder_walk_chains(struct inode *dir, int version, uint64_t pos,
	const struct dirent_chain *chains, size_t nr, const struct dirorder_reader *reader)
	MUST_CHECK;

#endif
