// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "util/crc32c.h"
#include "util/lock.h"
#include "util/log.h"
#include "util/parse.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- parse ---- */

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "1s", 0, 512 },
		{ "3k", 0, 3072 },
		{ "3K", 0, 3072 },
		{ "2m", 0, 2 << 20 },
		{ "2M", 0, 2 << 20 },
		{ "1g", 0, 1 << 30 },
		{ "1G", 0, 1 << 30 },
		{ "1t", 0, 1ULL << 40 },
		{ "1T", 0, 1ULL << 40 },
		{ "0x10", 0, 16 },
		{ "0X10k", 0, 16384 },
		{ "010", 0, 10 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "8388607T", 0, 8388607ULL << 40 },
		{ "8388608T", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "1kB", -EINVAL, 0 },
		{ "1p", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "0xg", -EINVAL, 0 },
		{ "1.5k", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 99;
		int err = parse_size(cases[i].text, &value);

		if (err != cases[i].err || (!err && value != cases[i].value))
			fail_msg("\"%s\": %d, %llu", cases[i].text, err,
				(unsigned long long)value);
	}
}

static void test_parse_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int err;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "1", 0, -ERANGE, 0 },
		{ "65535", 65535, 0, 65535 },
		{ "65536", 65535, -ERANGE, 0 },
		{ "0xff", 255, 0, 255 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "5k", UINT64_MAX, -EINVAL, 0 },
		{ "-5", UINT64_MAX, -EINVAL, 0 },
		{ "", UINT64_MAX, -EINVAL, 0 },
		{ "5 ", UINT64_MAX, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 99;
		int err = parse_number(cases[i].text, cases[i].max, &value);

		if (err != cases[i].err || (!err && value != cases[i].value))
			fail_msg("\"%s\": %d, %llu", cases[i].text, err,
				(unsigned long long)value);
	}
}

/* ---- crc32c ---- */

/* Every length of what is summed up in one call, against libext2fs. */
static void test_crc32c_lengths(void **state)
{
	static uint8_t buf[9000];
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(buf); i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		buf[i] = (uint8_t)(seed >> 56);
	}
	for (size_t len = 0; len < sizeof(buf) - 8; len += 1 + len / 100)
		assert_int_equal(crc32c(0xdeadbeef, buf + len % 8, len),
			ext2fs_crc32c_le(0xdeadbeef, buf + len % 8, len));
}

static void test_crc32c_known(void **state)
{
	static const uint8_t zeros[32];
	uint8_t ones[32], rising[32];

	(void)state;
	memset(ones, 0xFF, sizeof(ones));
	for (unsigned i = 0; i < sizeof(rising); i++)
		rising[i] = (uint8_t)i;
	/* the check value, and the vectors of RFC 3720, B.4: there the end is inverted */
	assert_int_equal(~crc32c(~0u, "123456789", 9), 0xE3069283);
	assert_int_equal(~crc32c(~0u, zeros, 32), 0x8A9136AA);
	assert_int_equal(~crc32c(~0u, ones, 32), 0x62A8AB43);
	assert_int_equal(~crc32c(~0u, rising, 32), 0x46DD794E);
	assert_int_equal(crc32c(0x12345678, NULL, 0), 0x12345678);
}

/* Every alignment and length, against libext2fs, and in two calls. */
static void test_crc32c_chains(void **state)
{
	uint8_t buf[80];

	(void)state;
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 151 + 7);
	for (size_t off = 0; off < 9; off++)
		for (size_t len = 0; len < 64; len++) {
			uint32_t want = ext2fs_crc32c_le(7, buf + off, len);
			uint32_t half = crc32c(7, buf + off, len / 3);

			assert_int_equal(crc32c(7, buf + off, len), want);
			assert_int_equal(crc32c(half, buf + off + len / 3, len - len / 3), want);
		}
}

/* ---- locks ---- */

/* Whether fn(arg) aborts, seen from a child. */
static bool dies(void (*fn)(const void *), const void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static const struct rlimit no_core;
		int null = open("/dev/null", O_WRONLY);

		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(null, STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGABRT);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

struct pair {
	enum lock_rank first, second;
	bool rw;
};

static void take_pair(const void *arg)
{
	const struct pair *pair = arg;
	struct lock lock;
	struct rwlock rwlock;
	struct lock second;

	lock_init(&lock, pair->first);
	rwlock_init(&rwlock, pair->first);
	lock_init(&second, pair->second);
	if (pair->rw)
		rwlock_read(&rwlock);
	else
		lock_take(&lock);
	lock_take(&second);
	lock_drop(&second);
	if (pair->rw)
		rwlock_drop(&rwlock);
	else
		lock_drop(&lock);
}

static void test_lock_order(void **state)
{
	(void)state;
	if (!EXT4D_DEBUG)
		skip();
	for (unsigned first = 0; first < LOCK_RANK_NR; first++)
		for (unsigned second = 0; second < LOCK_RANK_NR; second++) {
			struct pair pair = { (enum lock_rank)first, (enum lock_rank)second,
				(first + second) % 2 };

			assert_int_equal(dies(take_pair, &pair), second <= first);
		}
}

static void take_shared_twice(const void *arg)
{
	struct rwlock lock;

	(void)arg;
	rwlock_init(&lock, LOCK_RANK_MAP);
	rwlock_read(&lock);
	rwlock_read(&lock);
}

static void drop_untaken(const void *arg)
{
	struct lock lock, other;

	(void)arg;
	lock_init(&lock, LOCK_RANK_MAP);
	lock_init(&other, LOCK_RANK_LEAF);
	lock_take(&lock);
	lock_drop(&other);
}

static void test_lock_misuse(void **state)
{
	(void)state;
	if (!EXT4D_DEBUG)
		skip();
	assert_true(dies(take_shared_twice, NULL));
	assert_true(dies(drop_untaken, NULL));
}

/* What one thread holds is no other's business, and what is dropped may be taken again. */
static void *take_lowest(void *arg)
{
	lock_take(arg);
	lock_drop(arg);
	return NULL;
}

static void test_lock_per_thread(void **state)
{
	struct lock low, high;
	pthread_t thread;

	(void)state;
	lock_init(&low, LOCK_RANK_ICACHE);
	lock_init(&high, LOCK_RANK_LEAF);
	for (int i = 0; i < 2; i++) {
		lock_take(&high);
		assert_int_equal(pthread_create(&thread, NULL, take_lowest, &low), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		lock_drop(&high);
	}
	lock_fini(&low);
	lock_fini(&high);
}

struct bell {
	struct lock lock;
	pthread_cond_t cond;
	bool rung; /* [lock] */
};

static void *ring(void *arg)
{
	struct bell *bell = arg;

	lock_take(&bell->lock);
	bell->rung = true;
	pthread_cond_broadcast(&bell->cond);
	lock_drop(&bell->lock);
	return NULL;
}

static void test_lock_wait(void **state)
{
	struct bell bell = { .cond = PTHREAD_COND_INITIALIZER };
	pthread_t thread;

	(void)state;
	lock_init(&bell.lock, LOCK_RANK_BUF);
	lock_take(&bell.lock);
	assert_int_equal(pthread_create(&thread, NULL, ring, &bell), 0);
	while (!bell.rung)
		lock_wait(&bell.lock, &bell.cond);
	lock_drop(&bell.lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	lock_fini(&bell.lock);
}

/* ---- log ---- */

/* What was written to stderr between capture_start() and capture_end(). */
struct capture {
	FILE *file;
	int saved;
	char text[16384];
};

static void capture_start(struct capture *c)
{
	c->file = tmpfile();
	assert_non_null(c->file);
	c->saved = dup(STDERR_FILENO);
	assert_true(dup2(fileno(c->file), STDERR_FILENO) >= 0);
}

static unsigned capture_end(struct capture *c)
{
	unsigned lines = 0;
	size_t len;

	assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
	close(c->saved);
	rewind(c->file);
	len = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[len] = '\0';
	fclose(c->file);
	for (size_t i = 0; i < len; i++)
		lines += c->text[i] == '\n';
	return lines;
}

static void test_log_lines(void **state)
{
	static struct capture c;
	struct log log;

	(void)state;
	log_init(&log, "name", LOG_LEVEL_WARN);
	capture_start(&c);
	errno = ENOTTY;
	log_error(&log, "one %d", 1);
	log_warn(&log, "two\n\x1b[1m\x7f");
	log_info(&log, "three");
	log_debug(&log, "four");
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(capture_end(&c), 2);
	assert_string_equal(c.text, "name: one 1\nname: two??[1m?\n");
}

static void test_log_long(void **state)
{
	static struct capture c;
	static char text[4000];
	struct log log;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_init(&log, "name", LOG_LEVEL_WARN);
	capture_start(&c);
	log_error(&log, "%s", text);
	assert_int_equal(capture_end(&c), 1);
	assert_true(strlen(c.text) > 500 && strlen(c.text) < 1100);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

/* The clock may tick during a test: then a second's worth of lines more comes through. */
static void test_log_limit(void **state)
{
	static struct capture c;
	struct log log;
	unsigned lines;

	(void)state;
	log_init(&log, "name", LOG_LEVEL_WARN);
	capture_start(&c);
	for (int i = 0; i < 1000; i++)
		log_limited(&log, LOG_LEVEL_ERROR, "line %d", i);
	lines = capture_end(&c);
	assert_in_range(lines, LOG_BURST, LOG_BURST + LOG_PER_SECOND + 1);
	assert_non_null(strstr(c.text, "name: line 0\n"));
	assert_non_null(strstr(c.text, "name: line 19\n"));
}

static void test_log_refill(void **state)
{
	static const struct {
		unsigned seconds, tokens;
	} cases[] = { { 1, LOG_PER_SECOND }, { 3, 3 * LOG_PER_SECOND }, { 4, LOG_BURST },
		{ 1000000, LOG_BURST } };
	static struct capture c;
	struct log log;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned lines;

		log_init(&log, "name", LOG_LEVEL_WARN);
		log.tokens = 0;
		log.suppressed = 77;
		log.last_sec = now() - cases[i].seconds;
		if (now() < cases[i].seconds)
			continue; /* the machine was started just now */
		capture_start(&c);
		for (int j = 0; j < 100; j++)
			log_limited(&log, LOG_LEVEL_ERROR, "line %d", j);
		lines = capture_end(&c) - 1; /* one is about the suppressed ones */
		assert_in_range(lines, cases[i].tokens, cases[i].tokens + LOG_PER_SECOND + 1);
		assert_ptr_equal(strstr(c.text, "name: 77 "), c.text);
	}
}

/* Lines too quiet to be shown use up nothing. */
static void test_log_limit_level(void **state)
{
	static struct capture c;
	struct log log;

	(void)state;
	log_init(&log, "name", LOG_LEVEL_WARN);
	capture_start(&c);
	for (int i = 0; i < 1000; i++)
		log_limited(&log, LOG_LEVEL_INFO, "line %d", i);
	log_limited(&log, LOG_LEVEL_WARN, "last");
	assert_int_equal(capture_end(&c), 1);
	assert_string_equal(c.text, "name: last\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_number),
		cmocka_unit_test(test_crc32c_known),
		cmocka_unit_test(test_crc32c_chains),
		cmocka_unit_test(test_crc32c_lengths),
		cmocka_unit_test(test_lock_order),
		cmocka_unit_test(test_lock_misuse),
		cmocka_unit_test(test_lock_per_thread),
		cmocka_unit_test(test_lock_wait),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_long),
		cmocka_unit_test(test_log_limit),
		cmocka_unit_test(test_log_refill),
		cmocka_unit_test(test_log_limit_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
