/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mounted FUSE session and the threads that serve it. libfuse mounts, decodes and encodes; the
 * transport and the threads are ours: a worker per CPU, pinned, on a device descriptor of its own, or
 * a few per CPU on io_urings of their own. Every message passes a hook before libfuse sees it. Knows nothing of ext4: the benchmarks' do-nothing
 * server runs on it too.
 */
#ifndef EXT4D_FUSE_SESSION_H
#define EXT4D_FUSE_SESSION_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 314
#endif
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stddef.h>

#include "fuse/abi.h"
#include "util/cleanup.h"
#include "util/log.h"

/* Largest read request and reply; libfuse tells the kernel so, in pages. */
#define SESSION_MAX_IO ((size_t)1 << 20)

struct session;

/* Whether requests come by io_uring. */
enum session_uring {
	SESSION_URING_AUTO, /* if the kernel offers it, else from /dev/fuse */
	SESSION_URING_OFF,
	SESSION_URING_ON, /* or the filesystem is not mounted */
};

/* Whether the kernel moves the bytes of files by itself. */
enum session_iomap {
	SESSION_IOMAP_AUTO, /* if it offers that and prepare_iomap() agrees */
	SESSION_IOMAP_OFF,
	SESSION_IOMAP_ON, /* or the filesystem is not mounted */
};

struct session_config {
	const struct fuse_lowlevel_ops *ops;
	void *userdata; /* fuse_req_userdata(), and for intercept */
	/*
	 * Sees each request of len bytes first; true if it has answered it (session_reply()).
	 * Any worker.
	 */
	bool (*intercept)(void *userdata, const struct abi_in_header *head, size_t len);
	uint32_t init_flags; /* asked of the kernel in INIT, where it offers them, behind libfuse's back */
	enum session_uring uring;
	enum session_iomap iomap;
	/*
	 * The kernel offers iomap: 0 to take it, which cannot be taken back. Before INIT is answered. *ret_why: one
	 * line on why not, constant.
	 */
	int (*prepare_iomap)(void *userdata, const char **ret_why);
	/* Opens /dev/fuse once more, for a worker: a descriptor or -errno; NULL: open(2). Within session_start(). */
	int (*open_device)(void *open_data);
	void *open_data;
	struct log *log;
};

/*
 * Creates a session; args are libfuse's own options. On failure libfuse or we have said why.
 */
int session_new(
	const struct session_config *config, struct fuse_args *args, struct session **ret) MUST_CHECK;

/*
 * Mounts, and answers INIT: when this returns 0, start the workers and the mount is usable. Has somebody else mounted
 * it with descriptor N, which becomes the session's, its name is /dev/fd/N.
 */
int session_mount(struct session *session, const char *mountpoint) MUST_CHECK;
int session_start(struct session *session) MUST_CHECK;

/*
 * Waits until the filesystem is unmounted or SIGINT, SIGTERM or SIGHUP arrives; returns the signal or
 * 0. The caller has blocked these signals in every thread.
 */
int session_wait(struct session *session);

/* Unmounts if still mounted, ends the workers and frees. NULL is allowed. */
void session_free(struct session *session);

/*
 * Replies to a request in the worker that got it: body may be NULL. err: 0 or negative errno.
 */
void session_reply(uint64_t unique, int err, const void *body, size_t len);

/*
 * Work on a request that has to wait until others have been served: by other workers, which there must be.
 * run() replies, and frees the job.
 */
struct session_job {
	void (*run)(struct session_job *job);
	/* private to session.c */
	struct session_job *next;
	int out;
};

/*
 * From the worker that has the request: runs job at once if another worker is left to serve what it waits
 * for; or else leaves it to one that waits already. -EAGAIN: neither can be, the job has not run.
 */
int session_defer(struct session_job *job) MUST_CHECK;

/* After -EAGAIN, for a job that replies to nothing: leaves it to a worker that waits. False: none does any more. */
bool session_leave(struct session_job *job);

/*
 * Has the kernel write back and drop what its page cache has of len bytes at off of a node, len 0: of all behind
 * off; and forget the attributes. Waits for the WRITE requests: in a session_job only.
 */
void session_write_back(fuse_ino_t node, off_t off, off_t len);

/*
 * Sends a notification that libfuse does not know, of len bytes at body, in a worker. Returns what the kernel
 * says of it, 0 or -errno.
 */
int session_notify(int32_t code, const void *body, size_t len) MUST_CHECK;

/* ioctl(2) on the connection, in a worker; what it returns, or -errno. */
int session_ioctl(unsigned long cmd, void *arg) MUST_CHECK;

/*
 * Has the kernel forget the attributes of a node, and ignore those that replies before this bring. From a
 * worker, which may have a request of that node at hand, as nothing is waited for.
 */
void session_invalidate(fuse_ino_t node);

/*
 * Names the request that the calling worker is at, for session_interrupted(): whether whoever sent
 * it has given up on it, or the session is to end. False in threads that are no workers.
 */
void session_begin(fuse_req_t req);
bool session_interrupted(void);

/*
 * A buffer of SESSION_MAX_IO bytes for the reply to the request the calling worker is at, page-aligned.
 * What came with a WRITE or SETXATTR may be in it.
 */
void *session_scratch(void);

#endif
