// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A worker that has run out of requests polls its descriptor, yielding the CPU, for SPIN_NS before
 * it blocks: a request that comes back-to-back with the last one then costs no wake-up, which on
 * a virtual machine is ten times the work itself. Yielding lets the client run where the worker is
 * pinned. Blocking happens in read(2), not poll(2): the kernel wakes one reader, but every poller.
 */
#include "config.h"

#include "fuse/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <time.h>

#define SPIN_NS 100000
#define MAX_WORKERS 64

/* The kernel wants room for the largest write it may send, and its headers, before it gives any. */
#define REQUEST_SIZE (SESSION_MAX_IO + 4096)

/* How often a worker that is to end is woken again: it may have gone to sleep just after. */
#define STOP_RETRY_NS 5000000

struct worker {
	struct session *session;
	pthread_t thread;
	int fd;	 /* [const] a clone of the session's descriptor */
	int cpu; /* [const] where it is pinned */
	void *request; /* [const] REQUEST_SIZE bytes, mapped */
	void *scratch; /* [const] SESSION_MAX_IO bytes, mapped */
	fuse_req_t current; /* own thread: see session_begin() */
};

struct session {
	struct session_config config; /* [const] */
	struct fuse_session *se;      /* [const] */
	atomic_bool stopping;
	int ended; /* [const] eventfd: a worker found the filesystem unmounted */
	uint32_t offered; /* INIT flags of the kernel; while it is answered */
	unsigned nr_workers;
	struct worker workers[MAX_WORKERS];
};

/* The worker this thread is; a reply must go to the descriptor its request was read from. */
static _Thread_local struct worker *self;

/* The session for which this thread answers INIT. */
static _Thread_local struct session *mounting;

/* INIT's reply: adds the flags that libfuse does not know and the kernel has offered. */
static void patch_init(const struct session *session, struct iovec *iov, int count)
{
	struct abi_init init;

	if (count < 2 || iov[1].iov_len < sizeof(init))
		return;
	memcpy(&init, iov[1].iov_base, sizeof(init));
	init.flags |= session->config.init_flags & session->offered;
	memcpy(iov[1].iov_base, &init, sizeof(init));
}

/* Before there are workers, INIT is read from and answered on the session's own descriptor. */
static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	if (mounting)
		patch_init(mounting, iov, count);
	return writev(self ? self->fd : fd, iov, count);
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, buf, len);
}

static const struct fuse_custom_io custom_io = {
	.writev = io_writev,
	.read = io_read,
};

void *session_scratch(void)
{
	return self->scratch;
}

void session_reply(uint64_t unique, int err, const void *body, size_t len)
{
	struct abi_out_header head = { .error = err, .unique = unique };
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = err ? 0 : len },
	};

	head.len = (uint32_t)(iov[0].iov_len + iov[1].iov_len);
	/* ENOENT: the request was interrupted; ENODEV: unmounted. Nobody is left to tell. */
	if (writev(self->fd, iov, 2) < 0)
		return;
}

void session_begin(fuse_req_t req)
{
	if (self)
		self->current = req;
}

bool session_interrupted(void)
{
	return self && (atomic_load_explicit(&self->session->stopping, memory_order_relaxed) ||
			       (self->current && fuse_req_interrupted(self->current)));
}

static void dispatch(struct session *session, void *msg, size_t len)
{
	struct fuse_buf buf = { .mem = msg, .size = len };
	const struct abi_in_header *head = msg;

	if (len >= sizeof(*head) && self && session->config.intercept &&
		session->config.intercept(session->config.userdata, head, len))
		return;
	if (self)
		self->current = NULL;
	fuse_session_process_buf(session->se, &buf);
}

/* ---- workers ---- */

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

/* Serves until unmounted or told to stop; returns why, 0 if told. */
static int serve(struct worker *worker)
{
	struct session *session = worker->session;

	while (!atomic_load_explicit(&session->stopping, memory_order_relaxed)) {
		ssize_t got = read(worker->fd, worker->request, REQUEST_SIZE);

		if (got < 0 && errno == EAGAIN)
			got = wait_request(worker);
		if (got > 0)
			dispatch(session, worker->request, (size_t)got);
		/* ENOENT: the request was interrupted before it was read */
		else if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != ENOENT))
			return got == 0 ? ENODEV : errno;
	}
	return 0;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t one = 1;
	cpu_set_t cpu;
	int why;

	self = worker;
	CPU_ZERO(&cpu);
	CPU_SET(worker->cpu, &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	set_nonblock(worker->fd, true);
	why = serve(worker);
	if (why && why != ENODEV)
		log_error(worker->session->config.log, "reading requests: %s", strerror(why));
	if (why && write(worker->session->ended, &one, sizeof(one)) < 0)
		log_error(worker->session->config.log, "eventfd: %s", strerror(errno));
	return NULL;
}

static int clone_fd(struct session *session)
{
	uint32_t main_fd = (uint32_t)fuse_session_fd(session->se);
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, ABI_DEV_IOC_CLONE, &main_fd) < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static int worker_start(struct session *session, struct worker *worker, int cpu)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	int err;

	*worker = (struct worker){ .session = session, .cpu = cpu };
	worker->fd = clone_fd(session);
	if (worker->fd < 0)
		return -errno;
	worker->request = mmap(NULL, REQUEST_SIZE, prot, flags, -1, 0);
	worker->scratch = mmap(NULL, SESSION_MAX_IO, prot, flags, -1, 0);
	if (worker->request == MAP_FAILED || worker->scratch == MAP_FAILED)
		err = ENOMEM;
	else
		err = pthread_create(&worker->thread, NULL, worker_main, worker);
	if (!err)
		return 0;
	if (worker->request != MAP_FAILED)
		munmap(worker->request, REQUEST_SIZE);
	if (worker->scratch != MAP_FAILED)
		munmap(worker->scratch, SESSION_MAX_IO);
	close(worker->fd);
	return -err;
}

static void worker_stop(struct worker *worker)
{
	struct timespec pause = { .tv_nsec = STOP_RETRY_NS };

	while (pthread_tryjoin_np(worker->thread, NULL) == EBUSY) {
		pthread_kill(worker->thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	munmap(worker->request, REQUEST_SIZE);
	munmap(worker->scratch, SESSION_MAX_IO);
	close(worker->fd);
}

static void interrupt(int sig)
{
	(void)sig; /* only there to end a blocking read(2) */
}

int session_start(struct session *session)
{
	struct sigaction act = { .sa_handler = interrupt };
	unsigned want = session->config.workers;
	cpu_set_t cpus;
	int cpu = -1;

	sigaction(SIGUSR1, &act, NULL);
	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) || !CPU_COUNT(&cpus))
		CPU_SET(0, &cpus);
	if (!want)
		want = (unsigned)CPU_COUNT(&cpus);
	if (want > MAX_WORKERS)
		want = MAX_WORKERS;
	while (session->nr_workers < want) {
		int err;

		do
			cpu = (cpu + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(cpu, &cpus));
		err = worker_start(session, &session->workers[session->nr_workers], cpu);
		if (err) {
			log_error(session->config.log, "cannot start a worker: %s", strerror(-err));
			return err;
		}
		session->nr_workers++;
	}
	return 0;
}

/* ---- life cycle ---- */

int session_new(const struct session_config *config, struct fuse_args *args, struct session **ret)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->config = *config;
	session->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (session->ended < 0) {
		int err = -errno;

		log_error(config->log, "eventfd: %s", strerror(-err));
		free(session);
		return err;
	}
	session->se = fuse_session_new(args, config->ops, sizeof(*config->ops), config->userdata);
	if (!session->se) {
		close(session->ended);
		free(session);
		return -EINVAL;
	}
	*ret = session;
	return 0;
}

/* What INIT, the first request, says the kernel could do. */
static uint32_t offered_flags(const void *request, size_t len)
{
	const struct abi_in_header *head = request;
	struct abi_init init;

	if (len < sizeof(*head) + sizeof(init))
		return 0;
	memcpy(&init, head + 1, sizeof(init));
	return init.flags;
}

int session_mount(struct session *session, const char *mountpoint)
{
	void *request = malloc(REQUEST_SIZE);
	ssize_t got;
	int err = 0;

	if (!request)
		return -ENOMEM;
	if (fuse_session_mount(session->se, mountpoint)) {
		free(request);
		return -EIO;
	}
	err = fuse_session_custom_io(session->se, &custom_io, fuse_session_fd(session->se));
	if (err) {
		log_error(session->config.log, "libfuse takes no hooks: %s", strerror(-err));
		free(request);
		return err;
	}
	do
		got = read(fuse_session_fd(session->se), request, REQUEST_SIZE);
	while (got < 0 && (errno == EINTR || errno == ENOENT));
	if (got < 0) {
		err = -errno;
		log_error(session->config.log, "cannot read the first request: %s", strerror(-err));
	} else {
		session->offered = offered_flags(request, (size_t)got);
		mounting = session;
		dispatch(session, request, (size_t)got);
		mounting = NULL;
		if (fuse_session_exited(session->se))
			err = -EPROTO; /* libfuse has said why */
	}
	free(request);
	return err;
}

int session_wait(struct session *session)
{
	struct signalfd_siginfo info;
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	sigset_t set;
	int sig = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	fds[0].fd = signalfd(-1, &set, SFD_CLOEXEC);
	fds[1].fd = session->ended;
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (!fds[1].revents && read(fds[0].fd, &info, sizeof(info)) == sizeof(info))
		sig = (int)info.ssi_signo;
	close(fds[0].fd);
	return sig;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	/* notices by itself if somebody else has unmounted */
	fuse_session_unmount(session->se);
	atomic_store(&session->stopping, true);
	for (unsigned i = 0; i < session->nr_workers; i++)
		worker_stop(&session->workers[i]);
	fuse_session_destroy(session->se);
	close(session->ended);
	free(session);
}
