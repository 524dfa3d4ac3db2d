// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/seek.h"

#include <errno.h>
#include <unistd.h>

#include "fs/file.h"

#define END 0 /* of a range: none */

struct seek {
	struct session_job job; /* first, for the cast */
	fuse_req_t req;
	fuse_ino_t node;
	struct inode *inode; /* held */
	off_t off;
	int whence;
};

/* A part of the file, up to to or END. */
struct range {
	off_t from, to;
};

static bool contains(const struct range *range, off_t off)
{
	return off >= range->from && (range->to == END || off < range->to);
}

/*
 * The hole that an answer tells of: all before the data that was found, or the whole one that was. False:
 * of none.
 */
static bool hole_of(const struct seek *seek, off_t found, struct range *ret)
{
	off_t data;

	if (seek->off < 0 || (found < 0 && found != -ENXIO))
		return false;
	if (seek->whence == SEEK_DATA) {
		*ret = (struct range){ seek->off, found < 0 ? END : found };
		return found != seek->off;
	}
	ret->from = found < 0 ? seek->off : found;
	data = file_seek(seek->inode, ret->from, SEEK_DATA);
	ret->to = data < 0 ? END : data;
	return true;
}

/*
 * What is behind the end may be a part of the file by now for the client, and is a hole for us. Each turn looks
 * at a hole behind those before, unless somebody makes more of them all the time.
 */
static off_t seek_true(const struct seek *seek)
{
	off_t found = file_seek(seek->inode, seek->off, seek->whence);
	struct range hole;

	while (hole_of(seek, found, &hole) && !session_interrupted()) {
		session_write_back(seek->node, hole.from, hole.to == END ? 0 : hole.to - hole.from);
		found = file_seek(seek->inode, seek->off, seek->whence);
		if (seek->whence == SEEK_DATA || found < 0 || contains(&hole, found))
			break;
	}
	return found;
}

static void reply(fuse_req_t req, off_t found)
{
	if (found < 0)
		reply_err(req, (int)found);
	else
		fuse_reply_lseek(req, found);
}

static void run(struct session_job *job)
{
	struct seek *seek = (struct seek *)job;

	session_begin(seek->req);
	reply(seek->req, seek_true(seek));
	inode_put(seek->inode);
	free(seek);
}

/* Takes over inode. */
static void seek_later(fuse_req_t req, fuse_ino_t node, struct inode *inode, off_t off, int whence)
{
	struct seek *seek = malloc(sizeof(*seek));
	int err = seek ? 0 : -ENOMEM;

	if (seek) {
		*seek = (struct seek){ .job.run = run, .req = req, .node = node, .inode = inode,
			.off = off, .whence = whence };
		err = session_defer(&seek->job);
	}
	if (!err)
		return;
	free(seek);
	inode_put(inode);
	reply_err(req, err);
}

void seek_request(fuse_req_t req, fuse_ino_t node, off_t off, int whence, struct fuse_file_info *fi)
{
	struct ops_context *ctx = fuse_req_userdata(req);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	off_t found;
	uint32_t ino;
	int err = reply_ino(node, &ino);

	(void)fi;
	session_begin(req);
	if (!err)
		err = inode_get(ctx->fs, ino, &inode);
	found = err ? err : file_seek(inode, off, whence);
	/* data is data, and who only reads has nothing to write back */
	if (!ctx->nodes || (found < 0 && found != -ENXIO) || (whence == SEEK_DATA && found == off))
		reply(req, found);
	else
		seek_later(req, node, STEAL(inode), off, whence);
}
