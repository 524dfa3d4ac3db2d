// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests by io_uring (the kernel's fs/fuse/dev_uring.c). The kernel has a queue per CPU and puts a
 * request into the queue of the CPU it is made on. An entry of a queue is a pair of buffers, ours,
 * and a command in some io_uring that completes when a request has been put into them. Committing
 * the reply waits for the next request, in one system call.
 *
 * Each worker has an io_uring of its own with one entry of its CPU's queue, and a queue has several
 * workers: while one waits for a commit of the journal or a slow disk, others serve that CPU. The
 * kernel gives a request to the entry that became free last, so that as long as there is one request
 * at a time one worker serves them all and its caches stay warm; the others cost a thread that sleeps.
 *
 * A CPU that this process may not use has a queue too. These are shared out among the workers.
 */
#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <openssl/crypto.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse/session_i.h"

/* Workers of each queue: how many requests of a CPU may wait for something at a time. */
#define WORKERS_FEW_CPUS 4
#define WORKERS_MANY_CPUS 2
#define FEW_CPUS 8

/*
 * Payloads up to this size are copied, next to the headers, which leaves the payload's buffer to the
 * reply; the headers of larger ones (WRITE) are put in front of the payload where it is.
 */
#define COPY_MAX 4096

/* In front of the payload, for the headers. */
#define GAP 4096

struct uring_entry {
	struct abi_uring_headers headers;
	unsigned char *payload; /* [const] SESSION_MAX_IO bytes, GAP behind the start of a mapping */
	uint16_t qid; /* [const] */
	bool replied;
};

struct uring_worker {
	struct uring *uring;
	struct io_uring ring;
	int cpu; /* [const] */
	uint64_t request[(sizeof(struct abi_in_header) + 128 + COPY_MAX) / 8];
	unsigned nr_entries;
	struct uring_entry *entries;
};

struct uring {
	struct session *session;
	sem_t registered; /* posted by each worker that has, or has failed to */
	atomic_int err;	  /* of one of those that failed */
	atomic_bool given_up; /* the workers are to end */
	unsigned nr_cpus; /* the kernel's queues */
	atomic_uint *served; /* by queue: how many entries are registered */
	unsigned nr_workers;
	struct uring_worker *workers; /* those that are set up are the first nr_workers */
};

/* ---- making ---- */

/*
 * How many CPUs the kernel can ever have, which is how many queues it has (num_possible_cpus()), whatever
 * their numbers; 0 if that cannot be known.
 */
static unsigned possible_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned first, last, nr = 0;
	int got;

	if (!file)
		return 0;
	/* ranges: 0-3,8-11 */
	while ((got = fscanf(file, "%u-%u", &first, &last)) > 0) {
		if (got == 1)
			last = first;
		if (last < first)
			break;
		nr += last - first + 1;
		if (fgetc(file) != ',')
			break;
	}
	fclose(file);
	return nr <= UINT16_MAX ? nr : 0;
}

static int entry_init(struct uring_entry *entry, unsigned qid)
{
	void *map = mmap(NULL, GAP + SESSION_MAX_IO, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -ENOMEM;
	entry->payload = (unsigned char *)map + GAP;
	entry->qid = (uint16_t)qid;
	return 0;
}

static void worker_fini(struct uring_worker *worker)
{
	io_uring_queue_exit(&worker->ring);
	for (unsigned i = 0; i < worker->nr_entries; i++)
		munmap(worker->entries[i].payload - GAP, GAP + SESSION_MAX_IO);
	free(worker->entries);
}

static int ring_init(struct io_uring *ring, unsigned entries, int fd)
{
	/* the thread that enables the ring, and it alone, submits to it; completions wait until it asks */
	const unsigned flags = IORING_SETUP_SQE128 | IORING_SETUP_R_DISABLED |
			       IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	int err = io_uring_queue_init(entries, ring, flags);

	if (err)
		return err;
	/* a file of the ring's own: libfuse closes its descriptor when it unmounts */
	err = io_uring_register_files(ring, &fd, 1);
	if (err)
		io_uring_queue_exit(ring);
	return err;
}

/*
 * The entries of a worker that is pinned to the index-th of nr_allowed CPUs: of its own queue, and
 * of every nr_allowed-th that belongs to none of these CPUs.
 */
static int worker_init(struct uring_worker *worker, const cpu_set_t *cpus, unsigned index)
{
	const struct uring *uring = worker->uring;
	unsigned nr_allowed = (unsigned)CPU_COUNT(cpus), nr = 0;
	int err;

	for (unsigned q = 0; q < uring->nr_cpus; q++)
		nr += CPU_ISSET(q, cpus) ? (int)q == worker->cpu : q % nr_allowed == index;
	err = ring_init(&worker->ring, nr, fuse_session_fd(uring->session->se));
	if (err)
		return err;
	worker->nr_entries = 0;
	worker->entries = calloc(nr, sizeof(*worker->entries));
	if (!worker->entries)
		err = -ENOMEM;
	for (unsigned q = 0; q < uring->nr_cpus && !err; q++) {
		if (CPU_ISSET(q, cpus) ? (int)q != worker->cpu : q % nr_allowed != index)
			continue;
		err = entry_init(&worker->entries[worker->nr_entries], q);
		if (!err)
			worker->nr_entries++;
	}
	if (err)
		worker_fini(worker);
	return err;
}

int uring_new(struct session *session, struct uring **ret)
{
	struct uring *uring;
	unsigned per_cpu, index = 0;
	cpu_set_t cpus;
	int err = 0;

	session_cpus(&cpus);
	uring = calloc(1, sizeof(*uring));
	if (!uring)
		return -ENOMEM;
	sem_init(&uring->registered, 0, 0);
	uring->session = session;
	uring->nr_cpus = possible_cpus();
	per_cpu = CPU_COUNT(&cpus) <= FEW_CPUS ? WORKERS_FEW_CPUS : WORKERS_MANY_CPUS;
	uring->workers = calloc(per_cpu * (unsigned)CPU_COUNT(&cpus), sizeof(*uring->workers));
	uring->served = calloc(uring->nr_cpus, sizeof(*uring->served));
	if (!uring->nr_cpus)
		err = -EOPNOTSUPP;
	else if (!uring->workers || !uring->served)
		err = -ENOMEM;
	for (int cpu = 0; cpu < CPU_SETSIZE && !err; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		for (unsigned i = 0; i < per_cpu && !err; i++) {
			struct uring_worker *worker = &uring->workers[uring->nr_workers];

			worker->uring = uring;
			worker->cpu = cpu;
			err = worker_init(worker, &cpus, index);
			if (!err)
				uring->nr_workers++;
		}
		index++;
	}
	if (err)
		uring_free(uring);
	else
		*ret = uring;
	return err;
}

void uring_free(struct uring *uring)
{
	if (!uring)
		return;
	for (unsigned i = 0; i < uring->nr_workers; i++)
		worker_fini(&uring->workers[i]);
	free(uring->workers);
	free(uring->served);
	sem_destroy(&uring->registered);
	free(uring);
}

unsigned uring_nr_workers(const struct uring *uring)
{
	return uring->nr_workers;
}

/* ---- registering ---- */

/* What io_uring_enable_rings() does; liburing 2.3 declares but does not export it. */
static int enable(struct io_uring *ring)
{
	if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
		return -errno;
	return 0;
}

/* There is room: a ring holds a submission for each entry, which has one at a time. */
static struct io_uring_sqe *prepare(struct uring_worker *worker, struct uring_entry *entry,
	uint32_t cmd_op, const struct abi_uring_command *command)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&worker->ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, 0, NULL, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = cmd_op;
	memset(sqe->cmd, 0, 80);
	memcpy(sqe->cmd, command, sizeof(*command));
	io_uring_sqe_set_data(sqe, entry);
	return sqe;
}

/* One that fails completes at once, the others with a request. */
static int register_entry(struct uring_worker *worker, struct uring_entry *entry)
{
	const struct abi_uring_command command = { .qid = entry->qid };
	struct io_uring_sqe *sqe = prepare(worker, entry, ABI_URING_REGISTER, &command);
	struct iovec buffers[2] = {
		{ &entry->headers, sizeof(entry->headers) },
		{ entry->payload, SESSION_MAX_IO },
	};
	struct io_uring_cqe *cqe;
	int err;

	sqe->addr = (uint64_t)(uintptr_t)buffers;
	sqe->len = 2;
	err = io_uring_submit(&worker->ring);
	if (err < 0)
		return err;
	if (!io_uring_peek_cqe(&worker->ring, &cqe) && cqe->res < 0) {
		err = cqe->res;
		io_uring_cqe_seen(&worker->ring, cqe);
		return err;
	}
	atomic_fetch_add(&worker->uring->served[entry->qid], 1);
	return 0;
}

/* Up to the first that fails; those before it will get requests, and the worker has to serve them. */
static unsigned register_entries(struct uring_worker *worker)
{
	unsigned nr = 0;
	int err = enable(&worker->ring);

	while (!err && nr < worker->nr_entries) {
		err = register_entry(worker, &worker->entries[nr]);
		if (!err)
			nr++;
	}
	if (err)
		atomic_store(&worker->uring->err, err);
	return nr;
}

/* A registration that must fail, by which the kernel learns that there will be no ring. */
static int give_up(struct uring *uring)
{
	const struct abi_uring_command command = { .qid = UINT16_MAX };
	struct uring_worker worker = { .uring = uring };
	struct io_uring_cqe *cqe;
	int err = ring_init(&worker.ring, 1, fuse_session_fd(uring->session->se));

	if (err)
		return err;
	err = enable(&worker.ring);
	if (!err) {
		prepare(&worker, NULL, ABI_URING_REGISTER, &command);
		err = io_uring_submit(&worker.ring);
		if (err >= 0)
			err = io_uring_wait_cqe(&worker.ring, &cqe);
	}
	io_uring_queue_exit(&worker.ring);
	return err;
}

int uring_registered(struct uring *uring, unsigned nr, int err, bool *ret_device)
{
	bool all = true;

	*ret_device = false;
	while (nr--)
		while (sem_wait(&uring->registered) && errno == EINTR)
			;
	for (unsigned q = 0; q < uring->nr_cpus; q++)
		all &= atomic_load(&uring->served[q]) > 0;
	if (all)
		return 0;
	if (!err)
		err = atomic_load(&uring->err);
	atomic_store(&uring->given_up, true);
	*ret_device = give_up(uring) == 0;
	return err;
}

/* ---- serving ---- */

void *uring_scratch(struct uring_entry *entry)
{
	return entry->payload;
}

void uring_reply(struct uring_entry *entry, const struct iovec *iov, int count)
{
	size_t pos = 0;

	memcpy(entry->headers.in_out, iov[0].iov_base, sizeof(struct abi_out_header));
	for (int i = 1; i < count; i++) {
		size_t len = iov[i].iov_len;

		if (len > SESSION_MAX_IO - pos)
			len = SESSION_MAX_IO - pos; /* the kernel has asked for no more */
		if (iov[i].iov_base != entry->payload + pos)
			memmove(entry->payload + pos, iov[i].iov_base, len);
		pos += len;
	}
	entry->headers.payload_size = (uint32_t)pos;
	entry->replied = true;
}

/*
 * Puts the parts of entry's request into one piece, as they would have come by the device: the header,
 * the first argument, the payload. NULL: they do not add up.
 */
static void *assemble(struct uring_worker *worker, struct uring_entry *entry, size_t *ret_len)
{
	const struct abi_uring_headers *headers = &entry->headers;
	size_t payload = headers->payload_size, first;
	unsigned char *msg = (unsigned char *)worker->request;
	struct abi_in_header head;

	memcpy(&head, headers->in_out, sizeof(head));
	if (payload > SESSION_MAX_IO || head.len < sizeof(head) + payload)
		return NULL;
	first = head.len - sizeof(head) - payload;
	if (first > sizeof(headers->op_in))
		return NULL;
	if (payload <= COPY_MAX)
		memcpy(msg + sizeof(head) + first, entry->payload, payload);
	/* session_dispatch() wipes the copy; larger ioctls are none of ours, and get an error alone */
	if (payload <= COPY_MAX && head.opcode == ABI_OP_IOCTL)
		OPENSSL_cleanse(entry->payload, payload);
	if (payload > COPY_MAX)
		msg = entry->payload - first - sizeof(head);
	memcpy(msg, &head, sizeof(head));
	memcpy(msg + sizeof(head), headers->op_in, first);
	*ret_len = head.len;
	return msg;
}

static void serve_entry(struct worker *worker, struct uring_entry *entry)
{
	struct uring_worker *uw = worker->uring;
	struct abi_uring_command command = { .qid = entry->qid, .commit_id = entry->headers.commit_id };
	struct abi_out_header failed = { .len = sizeof(failed), .error = -EIO, .unique = command.commit_id };
	const struct iovec reply = { &failed, sizeof(failed) };
	size_t len;
	void *msg = assemble(uw, entry, &len);

	entry->replied = false;
	worker->entry = entry;
	if (msg)
		session_dispatch(worker->session, msg, len);
	worker->entry = NULL;
	/* without a reply the entry would be lost, and who asked would wait for ever */
	if (!entry->replied)
		uring_reply(entry, &reply, 1);
	prepare(uw, entry, ABI_URING_COMMIT_AND_FETCH, &command);
}

/* Serves the requests that have come; returns 0 or the errno of a completion that has none. */
static int serve_all(struct worker *worker)
{
	struct io_uring *ring = &worker->uring->ring;
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(ring, &cqe)) {
		struct uring_entry *entry = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(ring, cqe);
		if (res == -ENOTCONN || res == -ECONNABORTED)
			return ENODEV;
		if (res < 0)
			return -res;
		serve_entry(worker, entry);
	}
	return 0;
}

static int serve(struct worker *worker)
{
	struct uring_worker *uw = worker->uring;
	unsigned nr = register_entries(uw);
	int err, why = 0;

	sem_post(&uw->uring->registered);
	if (!nr)
		return 0;
	while (!why && !session_stopping(worker->session) && !atomic_load(&uw->uring->given_up)) {
		err = io_uring_submit_and_wait(&uw->ring, 1);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
			return -err;
		why = serve_all(worker);
	}
	/* the last replies */
	io_uring_submit(&uw->ring);
	return why;
}

void uring_worker_init(struct uring *uring, unsigned index, struct worker *worker)
{
	struct uring_worker *uw = &uring->workers[index];

	*worker = (struct worker){
		.session = uring->session,
		.serve = serve,
		.fd = -1,
		.out = -1,
		.cpu = uw->cpu,
		.uring = uw,
	};
}
