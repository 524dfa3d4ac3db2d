/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session from within: its threads and the transports they get requests by. device.c reads and
 * writes /dev/fuse; uring.c has io_uring commands complete with requests. session.c owns both and
 * decides which there are.
 */
#ifndef EXT4D_FUSE_SESSION_I_H
#define EXT4D_FUSE_SESSION_I_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "fuse/requests.h"
#include "fuse/session.h"
#include "util/lock.h"

struct uring;
struct uring_entry;
struct uring_worker;

/* A thread that serves requests. */
struct worker {
	struct session *session;
	int (*serve)(struct worker *worker); /* until unmounted or told to stop; why: an errno, 0 if told */
	pthread_t thread;
	int fd;	 /* [const] of /dev/fuse: a clone of the session's descriptor, or -1 */
	int cpu; /* [const] where it is pinned; -1: nowhere */
	void *request; /* [const] the transport's buffer for a request */
	void *scratch; /* [const] SESSION_MAX_IO bytes, mapped; NULL: each request brings its own */
	struct uring_worker *uring; /* [const] NULL: it reads the device */

	bool waiting; /* [session lock] runs jobs, which wait for other workers */

	/* the request it is at; own thread */
	int out; /* descriptor that replies go to: the one the request was read from */
	struct uring_entry *entry; /* where it came from; NULL: the device */
	fuse_req_t current; /* see session_begin() */
	struct requests requests; /* all it has served */
};

struct session {
	struct session_config config; /* [const] */
	struct fuse_session *se;      /* [const] */
	atomic_bool stopping;
	int ended; /* [const] eventfd: a worker found the filesystem unmounted */
	uint64_t asked; /* INIT flags that libfuse does not know and the kernel has offered */
	bool iomap; /* the kernel moves bytes by itself: asked for, and offered */
	struct lock lock; /* rank LEAF */
	struct worker *workers; /* nr_workers that run */
	unsigned nr_workers; /* [lock] while there are workers */
	struct session_job *jobs, **jobs_end; /* [lock] for the workers that wait */
	struct requests requests; /* of the workers that have ended */
	struct uring *uring; /* NULL: requests come by the device alone */
};

/*
 * Serves the message of len bytes at msg: intercepted, or by libfuse. In a worker, or at INIT. Wipes it if it may
 * hold a key: an ioctl's.
 */
void session_dispatch(struct session *session, void *msg, size_t len);

/* The CPUs that this process may use, at least one. */
void session_cpus(cpu_set_t *ret);

/* Whether the workers are to end. */
static inline bool session_stopping(const struct session *session)
{
	return atomic_load_explicit(&session->stopping, memory_order_relaxed);
}

/* ---- device.c ---- */

/*
 * Makes worker a thread's worth of reading /dev/fuse, not started yet. spin: it looks for the next
 * request a moment before it sleeps. Returns 0, -ENOMEM or what open(2) and ioctl(2) say.
 */
int device_worker_init(struct session *session, struct worker *worker, int cpu, bool spin) MUST_CHECK;
void device_worker_fini(struct worker *worker);

/* ---- uring.c ---- */

/*
 * Makes the rings, with as many workers as they want, before INIT is answered: the kernel holds
 * back every request from then on until a ring is registered for each CPU. -EOPNOTSUPP and others:
 * this kernel or its administrator does not allow it.
 */
int uring_new(struct session *session, struct uring **ret) MUST_CHECK;
unsigned uring_nr_workers(const struct uring *uring);

/* Makes worker the index-th of the ring's. The thread must end before uring_free(). */
void uring_worker_init(struct uring *uring, unsigned index, struct worker *worker);

/*
 * Waits until each of the nr workers that were started has registered or failed. err: why not all
 * were started, 0 if they were. Returns 0 when every queue has a worker: all requests will come through
 * the ring. Else the workers end when they are woken. *ret_device: the kernel knows, requests
 * come by the device; if it does not, they never come.
 */
int uring_registered(struct uring *uring, unsigned nr, int err, bool *ret_device) MUST_CHECK;
void uring_free(struct uring *uring);

/* Puts a reply, header first, into entry; it is handed over when the request has been served. */
void uring_reply(struct uring_entry *entry, const struct iovec *iov, int count);

/* Memory of SESSION_MAX_IO bytes for the reply to entry's request. */
void *uring_scratch(struct uring_entry *entry);

#endif
