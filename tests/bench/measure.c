// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

/* How long a workload may wait for a stopped server before it counts as one that needs it. */
#define FROZEN_SECONDS 10

/* For the server's threads to arrive at the stop. */
#define SETTLE_NS 20000000

#define MAX_JOBS 64

uint64_t measure_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Write calls the server has made: one for each reply, and it writes nothing else. */
static int64_t count_replies(pid_t server)
{
	char path[64], line[128];
	int64_t count = -1;
	FILE *file;

	if (!server)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/io", (int)server);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "syscw: %" SCNd64, &count) == 1)
			break;
	fclose(file);
	return count;
}

/* A child wakes the server when time is up: the client itself may be stuck in a request. */
static pid_t start_watchdog(pid_t server)
{
	pid_t pid = fork();

	if (pid == 0) {
		sleep(FROZEN_SECONDS);
		kill(server, SIGCONT);
		_exit(1);
	}
	return pid;
}

/* True if it had not bitten. */
static bool end_watchdog(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static int freeze_server(pid_t server, pid_t *ret_watchdog)
{
	struct timespec settle = { .tv_nsec = SETTLE_NS };
	pid_t pid = start_watchdog(server);

	if (pid < 0)
		return -errno;
	*ret_watchdog = pid;
	if (kill(server, SIGSTOP))
		return -errno;
	nanosleep(&settle, NULL);
	return 0;
}

void measure_start(struct bench *bench)
{
	bench->requests = count_replies(bench->server);
	bench->ns = measure_now();
}

void measure_end(struct bench *bench)
{
	int64_t replies;

	bench->ns = measure_now() - bench->ns;
	replies = count_replies(bench->server);
	bench->requests = replies < 0 ? -1 : replies - bench->requests;
}

int measure_passes(struct bench *bench, int (*pass)(struct bench *bench))
{
	uint64_t best = UINT64_MAX;
	int64_t requests = 0;
	pid_t watchdog = 0;
	int err = bench->server ? freeze_server(bench->server, &watchdog) : 0;

	for (unsigned i = 0; i < bench->passes && !err; i++) {
		measure_start(bench);
		err = pass(bench);
		measure_end(bench);
		best = bench->ns < best ? bench->ns : best;
		requests += bench->requests;
	}
	bench->ns = best;
	bench->requests = bench->server ? requests : -1;
	if (watchdog) {
		bench->stopped = end_watchdog(watchdog) && !err;
		kill(bench->server, SIGCONT);
	}
	return err;
}

struct job {
	struct bench *bench;
	bench_job *fn;
	unsigned index;
	pthread_barrier_t *barrier;
	pthread_t thread;
	int err;
};

static void *job_main(void *arg)
{
	struct job *job = arg;

	pthread_barrier_wait(job->barrier);
	job->err = job->fn(job->bench, job->index);
	return NULL;
}

int measure_jobs(struct bench *bench, bench_job *fn)
{
	struct job jobs[MAX_JOBS];
	pthread_barrier_t barrier;
	int err = 0;

	if (bench->jobs == 0 || bench->jobs > MAX_JOBS)
		return -EINVAL;
	pthread_barrier_init(&barrier, NULL, bench->jobs + 1);
	for (unsigned i = 0; i < bench->jobs; i++) {
		jobs[i] = (struct job){
			.bench = bench, .fn = fn, .index = i, .barrier = &barrier };
		if (pthread_create(&jobs[i].thread, NULL, job_main, &jobs[i]))
			abort(); /* those that wait at the barrier would wait for ever */
	}
	measure_start(bench);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < bench->jobs; i++) {
		pthread_join(jobs[i].thread, NULL);
		err = err ? err : jobs[i].err;
	}
	measure_end(bench);
	pthread_barrier_destroy(&barrier);
	return err;
}

/* xorshift64 */
uint64_t measure_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
