// SPDX-License-Identifier: GPL-2.0-or-later
/* The life of a session, its threads, and the hooks that each message passes on its way. */
#include "config.h"

#include "fuse/session.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "fuse/iomap_abi.h"
#include "fuse/session_i.h"

/* Room for INIT's request: libfuse wants the whole of what the kernel may send. */
#define INIT_SIZE (SESSION_MAX_IO + 4096)

/* How often a worker that is to end is woken again: it may have gone to sleep just after. */
#define STOP_RETRY_NS 5000000

/* How long the last worker of a ring's CPU tries to find another one free, before it says EAGAIN. */
#define RING_RETRY_NS 1000000
#define RING_RETRIES 50u

/* The worker this thread is; a reply must go the way its request came. */
static _Thread_local struct worker *self;

/* The session for which this thread answers INIT. */
static _Thread_local struct session *mounting;

/* INIT's reply: adds the flags that libfuse does not know and the kernel has offered. */
static void patch_init(const struct session *session, struct iovec *iov, int count)
{
	struct abi_init_out init;

	if (count < 2 || iov[1].iov_len < sizeof(init))
		return;
	memcpy(&init, iov[1].iov_base, sizeof(init));
	init.flags |= (uint32_t)session->asked;
	if (session->asked >> 32) {
		/* without INIT_EXT flags2 counts for nothing */
		init.flags2 = (init.flags & ABI_INIT_EXT ? init.flags2 : 0) | (uint32_t)(session->asked >> 32);
		init.flags |= ABI_INIT_EXT;
	}
	/* a smaller one would turn it off; nothing else depends on minors above 23 */
	if (session->iomap)
		init.minor = IOMAP_ABI_MINOR;
	memcpy(iov[1].iov_base, &init, sizeof(init));
}

/*
 * Sends a message, its header first. Before there are workers, INIT is read from and answered on
 * the session's own descriptor fd. Notifications, which answer nothing, always use the device.
 */
static ssize_t send_message(int fd, const struct iovec *iov, int count)
{
	const struct abi_out_header *head = iov[0].iov_base;

	if (self && self->entry && head->unique) {
		uring_reply(self->entry, iov, count);
		return (ssize_t)head->len;
	}
	return writev(self && self->out >= 0 ? self->out : fd, iov, count);
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	if (mounting)
		patch_init(mounting, iov, count);
	return send_message(fd, iov, count);
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
	return self->entry ? uring_scratch(self->entry) : self->scratch;
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
	if (send_message(fuse_session_fd(self->session->se), iov, 2) < 0)
		return;
}

/* A negative off: the attributes alone. ENOENT: the node is not known any more, and has nothing to be forgotten. */
static void notify(fuse_ino_t node, off_t off, off_t len)
{
	(void)fuse_lowlevel_notify_inval_inode(self->session->se, node, off, len);
}

int session_notify(int32_t code, const void *body, size_t len)
{
	struct abi_out_header head = { .len = (uint32_t)(sizeof(head) + len), .error = code };
	const struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = len },
	};

	return send_message(fuse_session_fd(self->session->se), iov, 2) < 0 ? -errno : 0;
}

int session_ioctl(unsigned long cmd, void *arg)
{
	int ret = ioctl(fuse_session_fd(self->session->se), cmd, arg);

	return ret < 0 ? -errno : ret;
}

void session_invalidate(fuse_ino_t node)
{
	notify(node, -1, 0);
}

void session_write_back(fuse_ino_t node, off_t off, off_t len)
{
	notify(node, off, len);
}

/* Whether a worker is left that gets the requests which this one would wait for: in a ring, those of its CPU. */
static bool others_left_locked(const struct session *session)
{
	for (unsigned i = 0; i < session->nr_workers; i++) {
		const struct worker *other = &session->workers[i];

		if (other == self || other->waiting || !other->uring != !self->uring)
			continue;
		if (!self->uring || other->cpu == self->cpu)
			return true;
	}
	return false;
}

static struct session_job *take_job_locked(struct session *session)
{
	struct session_job *job = session->jobs;

	if (job)
		session->jobs = job->next;
	if (!session->jobs)
		session->jobs_end = &session->jobs;
	return job;
}

/* What others have left to this one. Of a ring that replies to nothing: each request is answered where it came from. */
static void run_jobs(struct session *session)
{
	struct session_job *job;

	lock_take(&session->lock);
	while ((job = take_job_locked(session))) {
		lock_drop(&session->lock);
		self->out = job->out;
		job->run(job);
		lock_take(&session->lock);
	}
	self->waiting = false;
	lock_drop(&session->lock);
	self->out = self->fd;
}

static void put_job_locked(struct session *session, struct session_job *job)
{
	job->next = NULL;
	job->out = self->out;
	*session->jobs_end = job;
	session->jobs_end = &job->next;
}

/* False: there are no others left; of the device, one of them gets the job. */
static bool begin_waiting(struct session *session, struct session_job *job)
{
	lock_take(&session->lock);
	self->waiting = others_left_locked(session);
	if (!self->waiting && !self->uring)
		put_job_locked(session, job);
	lock_drop(&session->lock);
	return self->waiting;
}

int session_defer(struct session_job *job)
{
	const struct timespec pause = { .tv_nsec = RING_RETRY_NS };
	struct session *session = self->session;
	bool waiting;

	waiting = begin_waiting(session, job);
	/* the others of the CPU may have what they wait for, or be about to */
	for (unsigned i = 0; !waiting && self->uring && i < RING_RETRIES; i++) {
		nanosleep(&pause, NULL);
		waiting = begin_waiting(session, job);
	}
	if (!waiting)
		return self->uring ? -EAGAIN : 0;
	job->run(job);
	run_jobs(session);
	return 0;
}

bool session_leave(struct session_job *job)
{
	struct session *session = self->session;
	bool waits = false;

	lock_take(&session->lock);
	for (unsigned i = 0; i < session->nr_workers && !waits; i++)
		waits = session->workers[i].waiting;
	if (waits)
		put_job_locked(session, job);
	lock_drop(&session->lock);
	return waits;
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

void session_dispatch(struct session *session, void *msg, size_t len)
{
	struct fuse_buf buf = { .mem = msg, .size = len };
	const struct abi_in_header *head = msg;
	bool secret = len >= sizeof(*head) && head->opcode == ABI_OP_IOCTL; /* may hold a key */

	if (len >= sizeof(*head) && self)
		requests_add(&self->requests, head->opcode);
	if (len >= sizeof(*head) && self && session->config.intercept &&
		session->config.intercept(session->config.userdata, head, len))
		return;
	if (self)
		self->current = NULL;
	fuse_session_process_buf(session->se, &buf);
	if (secret)
		OPENSSL_cleanse(msg, len);
}

/* ---- workers ---- */

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t one = 1;
	cpu_set_t cpu;
	int why;

	self = worker;
	if (worker->cpu >= 0) {
		CPU_ZERO(&cpu);
		CPU_SET(worker->cpu, &cpu);
		pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	}
	why = worker->serve(worker);
	if (why && why != ENODEV)
		log_error(worker->session->config.log, "reading requests: %s", strerror(why));
	if (why && write(worker->session->ended, &one, sizeof(one)) < 0)
		log_error(worker->session->config.log, "eventfd: %s", strerror(errno));
	return NULL;
}

static int worker_start(struct worker *worker)
{
	return -pthread_create(&worker->thread, NULL, worker_main, worker);
}

static void worker_stop(struct worker *worker)
{
	struct timespec pause = { .tv_nsec = STOP_RETRY_NS };

	while (pthread_tryjoin_np(worker->thread, NULL) == EBUSY) {
		pthread_kill(worker->thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	requests_sum(&worker->session->requests, &worker->requests);
	if (!worker->uring)
		device_worker_fini(worker);
}

void session_cpus(cpu_set_t *ret)
{
	CPU_ZERO(ret);
	if (sched_getaffinity(0, sizeof(*ret), ret) || !CPU_COUNT(ret))
		CPU_SET(0, ret);
}

static void interrupt(int sig)
{
	(void)sig; /* only there to end a blocking read(2) */
}

static void count_worker(struct session *session)
{
	lock_take(&session->lock);
	session->nr_workers++;
	lock_drop(&session->lock);
}

/* Starts another worker that reads the device. */
static int start_device_worker(struct session *session, int cpu, bool spin)
{
	struct worker *worker = &session->workers[session->nr_workers];
	int err = device_worker_init(session, worker, cpu, spin);

	if (err)
		return err;
	err = worker_start(worker);
	if (err) {
		device_worker_fini(worker);
		return err;
	}
	count_worker(session);
	return 0;
}

/* One for each CPU that this process may use; at least two, for session_defer(). */
static int start_device_workers(struct session *session, const cpu_set_t *cpus)
{
	int err = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE && !err; cpu++)
		if (CPU_ISSET(cpu, cpus))
			err = start_device_worker(session, cpu, true);
	if (!err && CPU_COUNT(cpus) == 1)
		err = start_device_worker(session, -1, false);
	return err;
}

/*
 * Starts the ring's workers, and one for what comes by the device all the same: FORGET, INTERRUPT.
 * If they cannot have their requests, they are gone again, and so is the ring; *ret_device is as
 * uring_registered() has it.
 */
static int start_ring_workers(struct session *session, bool *ret_device)
{
	unsigned want = uring_nr_workers(session->uring), first;
	int err = start_device_worker(session, -1, false);

	first = session->nr_workers;
	while (!err && session->nr_workers - first < want) {
		struct worker *worker = &session->workers[session->nr_workers];

		uring_worker_init(session->uring, session->nr_workers - first, worker);
		err = worker_start(worker);
		if (!err)
			count_worker(session);
	}
	err = uring_registered(session->uring, session->nr_workers - first, err, ret_device);
	if (!err)
		return 0;
	while (session->nr_workers > first)
		worker_stop(&session->workers[--session->nr_workers]);
	uring_free(session->uring);
	session->uring = NULL;
	return err;
}

/*
 * Workers must not wait for memory that only the writing of files can free, which asks them where to. They
 * inherit it from this thread.
 */
static void no_reclaim(struct session *session)
{
	uint32_t on = 1;

	if (session->iomap && ioctl(fuse_session_fd(session->se), IOMAP_ABI_IOC_SET_NOFS, &on) < 0)
		log_warn(session->config.log, "cannot keep memory from waiting for files: %s",
			strerror(errno));
}

int session_start(struct session *session)
{
	struct sigaction act = { .sa_handler = interrupt };
	struct log *log = session->config.log;
	unsigned max = 2; /* besides the workers of the CPUs, or of a ring */
	cpu_set_t cpus;
	int err = 0;

	sigaction(SIGUSR1, &act, NULL);
	session_cpus(&cpus);
	no_reclaim(session);
	max += (unsigned)CPU_COUNT(&cpus);
	if (session->uring)
		max += uring_nr_workers(session->uring);
	session->workers = calloc(max, sizeof(*session->workers));
	if (!session->workers)
		return -ENOMEM;
	if (session->uring) {
		bool device;

		err = start_ring_workers(session, &device);
		if (!err)
			return 0;
		if (session->config.uring == SESSION_URING_ON || !device) {
			log_error(log, "cannot have requests by io_uring: %s", strerror(-err));
			return err;
		}
		log_debug(log, "no requests by io_uring: %s", strerror(-err));
	}
	err = start_device_workers(session, &cpus);
	if (err)
		log_error(log, "cannot start a worker: %s", strerror(-err));
	return err;
}

/* ---- life cycle ---- */

int session_new(const struct session_config *config, struct fuse_args *args, struct session **ret)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	session->config = *config;
	session->jobs_end = &session->jobs;
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
	lock_init(&session->lock, LOCK_RANK_LEAF);
	*ret = session;
	return 0;
}

/* What INIT, the first request, says the kernel could do. */
static uint64_t offered_flags(const void *request, size_t len, uint32_t *ret_minor)
{
	const struct abi_in_header *head = request;
	struct abi_init_in init = { 0 };

	*ret_minor = 0;
	if (len < sizeof(*head))
		return 0;
	len -= sizeof(*head);
	memcpy(&init, head + 1, len < sizeof(init) ? len : sizeof(init));
	*ret_minor = init.minor;
	return init.flags | (init.flags & ABI_INIT_EXT ? (uint64_t)init.flags2 << 32 : 0);
}

/* The kernel has not offered iomap: whose fault that is. */
static const char *why_no_iomap(const struct session *session, uint32_t minor)
{
	struct iomap_abi_support support = { 0 };
	char enabled = 'Y';
	FILE *file;

	if (ioctl(fuse_session_fd(session->se), IOMAP_ABI_IOC_SUPPORT, &support) < 0)
		return errno == EOPNOTSUPP ? "this kernel was built without it" : "this kernel does not have it";
	if (minor != IOMAP_ABI_MINOR)
		return "this kernel has another version of it";
	file = fopen("/sys/module/fuse/parameters/enable_iomap", "re");
	if (file && fread(&enabled, 1, 1, file) != 1)
		enabled = 'Y';
	if (file)
		fclose(file);
	if (enabled == 'N')
		return "/sys/module/fuse/parameters/enable_iomap is N";
	return "that takes the privilege CAP_SYS_RAWIO, or a helper that has it";
}

/* Decides who moves the bytes of files, before the kernel is told. */
static int choose_iomap(struct session *session, uint64_t offered, uint32_t minor)
{
	const struct session_config *config = &session->config;
	const char *why = NULL;
	int err = 0;

	if (config->iomap == SESSION_IOMAP_OFF || !config->prepare_iomap)
		return 0;
	if (!(offered & IOMAP_ABI_INIT) || minor != IOMAP_ABI_MINOR) {
		err = -EOPNOTSUPP;
		why = why_no_iomap(session, minor);
	} else {
		err = config->prepare_iomap(config->userdata, &why);
	}
	session->iomap = !err;
	if (!err)
		session->asked |= IOMAP_ABI_INIT;
	else if (config->iomap == SESSION_IOMAP_ON)
		log_error(config->log, "no iomap: %s", why);
	else
		log_debug(config->log, "no iomap: %s", why);
	return config->iomap == SESSION_IOMAP_ON ? err : 0;
}

/* Decides how requests are to come, before the kernel is told. */
static int choose_transport(struct session *session, uint64_t offered)
{
	const enum session_uring want = session->config.uring;
	struct log *log = session->config.log;
	int err;

	if (want == SESSION_URING_OFF)
		return 0;
	if (!(offered & ABI_INIT_OVER_IO_URING)) {
		if (want == SESSION_URING_AUTO)
			return 0;
		log_error(log,
			"the kernel offers no requests by io_uring: that needs Linux 6.14 and "
			"/sys/module/fuse/parameters/enable_uring set to Y");
		return -EOPNOTSUPP;
	}
	err = uring_new(session, &session->uring);
	if (!err) {
		session->asked |= ABI_INIT_OVER_IO_URING;
	} else if (want == SESSION_URING_ON) {
		log_error(log, "cannot make an io_uring: %s", strerror(-err));
		return err;
	} else {
		log_debug(log, "cannot make an io_uring: %s; requests come by /dev/fuse", strerror(-err));
	}
	return 0;
}

int session_mount(struct session *session, const char *mountpoint)
{
	void *request = malloc(INIT_SIZE);
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
		got = read(fuse_session_fd(session->se), request, INIT_SIZE);
	while (got < 0 && (errno == EINTR || errno == ENOENT));
	if (got < 0) {
		err = -errno;
		log_error(session->config.log, "cannot read the first request: %s", strerror(-err));
	} else {
		uint32_t minor;
		uint64_t offered = offered_flags(request, (size_t)got, &minor);

		session->asked = session->config.init_flags & offered;
		err = choose_iomap(session, offered, minor);
		if (!err)
			err = choose_transport(session, offered);
		mounting = session;
		session_dispatch(session, request, (size_t)got);
		mounting = NULL;
		if (!err && fuse_session_exited(session->se))
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
	free(session->workers);
	requests_log(&session->requests, session->config.log);
	uring_free(session->uring);
	fuse_session_destroy(session->se);
	close(session->ended);
	lock_fini(&session->lock);
	free(session);
}
