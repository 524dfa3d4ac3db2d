// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests by read(2) and write(2) of /dev/fuse. A worker that has run out of requests polls its
 * descriptor, yielding the CPU, for SPIN_NS before it blocks: a request that comes back-to-back
 * with the last one then costs no wake-up, which on a virtual machine is ten times the work itself.
 * Yielding lets the client run where the worker is pinned. Blocking happens in read(2), not
 * poll(2): the kernel wakes one reader, but every poller.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fuse/session_i.h"

#define SPIN_NS 100000

/* The kernel wants room for the largest write it may send, and its headers, before it gives any. */
#define REQUEST_SIZE (SESSION_MAX_IO + 4096)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* F_SETFL keeps the access mode, and a device descriptor of ours has no other flag to keep. */
static void set_nonblock(int fd, bool on)
{
	fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
}

/* Looks again for SPIN_NS, then sleeps. As read(2). */
static ssize_t wait_request(struct worker *worker)
{
	uint64_t until = now_ns() + SPIN_NS;
	ssize_t got;

	do {
		sched_yield();
		got = read(worker->fd, worker->request, REQUEST_SIZE);
	} while (got < 0 && errno == EAGAIN && now_ns() < until);
	if (got >= 0 || errno != EAGAIN)
		return got;
	set_nonblock(worker->fd, false);
	got = read(worker->fd, worker->request, REQUEST_SIZE);
	set_nonblock(worker->fd, true);
	return got;
}

static int serve(struct worker *worker)
{
	struct session *session = worker->session;

	while (!session_stopping(session)) {
		ssize_t got = read(worker->fd, worker->request, REQUEST_SIZE);

		if (got < 0 && errno == EAGAIN)
			got = wait_request(worker);
		if (got > 0)
			session_dispatch(session, worker->request, (size_t)got);
		/* ENOENT: the request was interrupted before it was read */
		else if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != ENOENT))
			return got == 0 ? ENODEV : errno;
	}
	return 0;
}

static int open_device(const struct session_config *config)
{
	int fd;

	if (config->open_device)
		return config->open_device(config->open_data);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A descriptor for the session's requests, or -errno; *ret_shared: its open file is the session's. */
static int worker_fd(struct session *session, bool *ret_shared)
{
	uint32_t main_fd = (uint32_t)fuse_session_fd(session->se);
	int fd = open_device(&session->config), err;

	*ret_shared = fd < 0;
	if (fd < 0) {
		log_debug(session->config.log, "cannot open /dev/fuse once more: %s; a worker shares what there is",
			strerror(-fd));
		fd = fcntl((int)main_fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	if (ioctl(fd, ABI_DEV_IOC_CLONE, &main_fd) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int device_worker_init(struct session *session, struct worker *worker, int cpu, bool spin)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	bool shared;

	*worker = (struct worker){ .session = session, .serve = serve, .cpu = cpu };
	worker->fd = worker_fd(session, &shared);
	if (worker->fd < 0)
		return worker->fd;
	worker->request = mmap(NULL, REQUEST_SIZE, prot, flags, -1, 0);
	worker->scratch = mmap(NULL, SESSION_MAX_IO, prot, flags, -1, 0);
	if (worker->request == MAP_FAILED || worker->scratch == MAP_FAILED) {
		device_worker_fini(worker);
		return -ENOMEM;
	}
	worker->out = worker->fd;
	/* O_NONBLOCK is the open file's: who looks again by it would keep the others from sleeping */
	set_nonblock(worker->fd, spin && !shared);
	return 0;
}

void device_worker_fini(struct worker *worker)
{
	if (worker->request != MAP_FAILED)
		munmap(worker->request, REQUEST_SIZE);
	if (worker->scratch != MAP_FAILED)
		munmap(worker->scratch, SESSION_MAX_IO);
	close(worker->fd);
}
