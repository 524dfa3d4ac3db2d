// SPDX-License-Identifier: GPL-2.0-or-later
/* The dialogue of mount helper and server: messages byte by byte, and what a hostile other side sends. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hex.h"
#include "service/channel.h"
#include "service/mountflags.h"
#include "service/server.h"
#include "service/wire.h"

#define LIMIT_MS 5000

/* ---- messages ---- */

static const struct vector {
	const char *hex;
	struct wire_msg msg;
} vectors[] = {
	{ "5341465400010001", { .kind = WIRE_HELLO, .min = 1, .max = 1 } },
	{ "5341465400020103", { .kind = WIRE_HELLO, .min = 2, .max = 259 } },
	{ "4c41535400010000", { .kind = WIRE_VERSION, .version = 1 } },
	{ "46494c45000000006172677600", { .kind = WIRE_FILE, .text = "argv" } },
	{ "46494c450000000d2f6100", { .kind = WIRE_FILE, .error = 13, .text = "/a" } },
	{ "4f50454e00000082000001a4000000012f6100",
		{ .kind = WIRE_OPEN, .flags = 0x82, .mode = 0644, .request = 1, .text = "/a" } },
	{ "494f4d41503f0000", { .kind = WIRE_IOMAP, .iomap = WIRE_IOMAP_OPTIONAL } },
	{ "494f4d4150210000", { .kind = WIRE_IOMAP, .iomap = WIRE_IOMAP_MANDATORY } },
	{ "54595045667573652e657874346400", { .kind = WIRE_TYPE, .text = "fuse.ext4d" } },
	{ "4e414d452f6100", { .kind = WIRE_SOURCE, .text = "/a" } },
	{ "4d4e54502f6d00", { .kind = WIRE_WHERE, .text = "/m" } },
	{ "4f50545300", { .kind = WIRE_OPTIONS, .text = "" } },
	{ "444f495400000401", { .kind = WIRE_MOUNT, .flags = 0x401 } },
	{ "4259454500000016", { .kind = WIRE_BYE, .error = 22 } },
	{ "5245504c00000000", { .kind = WIRE_REPLY } },
};

#define NR_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void same(const struct wire_msg *a, const struct wire_msg *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->min, b->min);
	assert_int_equal(a->max, b->max);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->request, b->request);
	assert_int_equal(a->iomap, b->iomap);
	assert_int_equal(!a->text, !b->text);
	if (a->text)
		assert_string_equal(a->text, b->text);
}

/* In memory of just that size, so that the sanitizer sees what is read behind it. */
static int decode(const uint8_t *bytes, size_t len, struct wire_msg *ret, uint8_t **ret_copy)
{
	uint8_t *copy = malloc(len + !len);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	*ret_copy = copy;
	return wire_decode(copy, len, ret);
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_VECTORS; i++) {
		uint8_t want[64], got[64], *copy;
		size_t len = hex_decode(vectors[i].hex, want, sizeof(want)), got_len;
		struct wire_msg msg;

		assert_int_equal(wire_encode(&vectors[i].msg, got, sizeof(got), &got_len), 0);
		assert_int_equal(got_len, len);
		assert_memory_equal(got, want, len);
		assert_int_equal(decode(want, len, &msg, &copy), 0);
		same(&msg, &vectors[i].msg);
		free(copy);
		/* no byte more fits than there is room for */
		for (size_t room = 0; room < len; room++)
			assert_int_equal(wire_encode(&vectors[i].msg, got, room, &got_len), -ENAMETOOLONG);
	}
}

static void test_long_text(void **state)
{
	static char path[WIRE_MAX];
	struct wire_msg msg = { .kind = WIRE_OPEN, .text = path };
	uint8_t bytes[WIRE_MAX];
	size_t len;

	(void)state;
	memset(path, 'x', 4095);
	assert_int_equal(wire_encode(&msg, bytes, sizeof(bytes), &len), 0);
	assert_int_equal(len, WIRE_MAX);
	path[4095] = 'x';
	assert_int_equal(wire_encode(&msg, bytes, sizeof(bytes), &len), -ENAMETOOLONG);
	msg.kind = 0;
	assert_int_equal(wire_encode(&msg, bytes, sizeof(bytes), &len), -EINVAL);
}

/* Cut, longer, with a NUL within, none at the end, of a kind that there is not. */
static void test_bad_messages(void **state)
{
	static const char *const bad[] = {
		"", "00", "534146", "53414655" "00010001", "00000000", "5341465400010001" "00", "53414654000100",
		"46494c4500000000", "46494c450000000061", "46494c45000000006100" "6200", "46494c4500000000" "0000",
		"54595045", "5459504561", "4f50454e000000820000000000000001", "4f50454e0000008200000000000001",
		"52455" "04c", "5245504c00000000" "00",
	};
	uint8_t bytes[64], *copy;
	struct wire_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(bytes, hex_decode(bad[i], bytes, sizeof(bytes)), &msg, &copy), -EPROTO);
		free(copy);
	}
	for (size_t i = 0; i < NR_VECTORS; i++) {
		size_t len = hex_decode(vectors[i].hex, bytes, sizeof(bytes));

		for (size_t cut = 0; cut < len; cut++) {
			assert_int_equal(decode(bytes, cut, &msg, &copy), -EPROTO);
			free(copy);
		}
	}
}

/* Whatever is taken for a message can be said again, byte by byte but for what is ignored. */
static void test_changed_messages(void **state)
{
	(void)state;
	srand(1);
	for (unsigned turn = 0; turn < 20000; turn++) {
		const struct vector *vector = &vectors[(size_t)rand() % NR_VECTORS];
		uint8_t bytes[64], again[64], *copy, *copy2;
		size_t len = hex_decode(vector->hex, bytes, sizeof(bytes)), len2;
		struct wire_msg msg, msg2;

		for (int n = rand() % 3; n >= 0; n--)
			bytes[(size_t)rand() % len] = (uint8_t)rand();
		len -= rand() % 4 ? 0 : (size_t)rand() % len;
		if (decode(bytes, len, &msg, &copy) == 0) {
			assert_int_equal(wire_encode(&msg, again, sizeof(again), &len2), 0);
			assert_int_equal(len2, len);
			assert_int_equal(decode(again, len2, &msg2, &copy2), 0);
			same(&msg, &msg2);
			free(copy2);
		}
		free(copy);
	}
}

/* ---- the command line ---- */

static void test_args(void **state)
{
	static const char *const argv[] = { "ext4d", "-o", "ro,noload", "", "/image", "/mnt" };
	uint8_t want[128];
	size_t len, want_len;
	char **got;
	void *bytes;
	int argc;

	(void)state;
	assert_int_equal(wire_args_encode(6, argv, &bytes, &len), 0);
	assert_int_equal(wire_args_decode(bytes, len, &got, &argc), 0);
	assert_int_equal(argc, 6);
	for (int i = 0; i < argc; i++)
		assert_string_equal(got[i], argv[i]);
	assert_null(got[argc]);
	free(got);
	free(bytes);
	assert_int_equal(wire_args_encode(1, argv, &bytes, &len), 0);
	want_len = hex_decode("41524753" "00000001" "00000010" "00000006" "657874346400", want, sizeof(want));
	assert_int_equal(len, want_len);
	assert_memory_equal(bytes, want, len);
	free(bytes);
	assert_int_equal(wire_args_encode(0, argv, &bytes, &len), -E2BIG);
}

static int decode_args(const uint8_t *from, size_t len)
{
	char *bytes = malloc(len + !len), **argv;
	size_t all = 0;
	int argc, err;

	assert_non_null(bytes);
	memcpy(bytes, from, len);
	err = wire_args_decode(bytes, len, &argv, &argc);
	for (int i = 0; !err && i < argc; i++)
		all += strlen(argv[i]);
	if (!err)
		free(argv);
	assert_true(all <= (size_t)argc * len || err);
	free(bytes);
	return err;
}

static void test_bad_args(void **state)
{
	static const char *const bad[] = {
		"", "41524753", "41524754" "00000001" "00000010" "00000006" "657874346400",
		"41524753" "00000000", "41524753" "00000041", "41524753" "ffffffff" "00000010" "00000006",
		"41524753" "00000002" "00000010" "00000006" "657874346400",
		"41524753" "00000001" "00000010" "00000007" "657874346400",
		"41524753" "00000001" "00000010" "00000000" "657874346400",
		"41524753" "00000001" "00000010" "00000005" "657874346400",
		"41524753" "00000001" "ffffffff" "00000006" "657874346400",
		"41524753" "00000001" "00000010" "ffffffff" "657874346400",
		"41524753" "00000001" "fffffff0" "00000020" "657874346400",
		"41524753" "00000001" "00000010" "00000006" "650074346400",
	};
	static const char *const good[] = { "ext4d", "--", "/image", "/mnt" };
	uint8_t bytes[256];
	size_t len;
	void *whole;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode_args(bytes, hex_decode(bad[i], bytes, sizeof(bytes))), -EPROTO);
	assert_int_equal(wire_args_encode(4, good, &whole, &len), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decode_args(whole, cut), -EPROTO);
	srand(2);
	for (unsigned turn = 0; turn < 20000; turn++) {
		memcpy(bytes, whole, len);
		for (int n = rand() % 4; n >= 0; n--)
			bytes[(size_t)rand() % len] = (uint8_t)(rand() % 3 ? rand() % 64 : rand());
		(void)!decode_args(bytes, len);
	}
	free(whole);
}

/* ---- packets ---- */

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned nr = 0;

	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void send_raw(int sock, const void *bytes, size_t len, unsigned nr_fds)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr head = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (nr_fds) {
		head.msg_control = control;
		head.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&head);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		for (unsigned i = 0; i < nr_fds; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &(int){ STDERR_FILENO }, sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &head, MSG_NOSIGNAL), len);
}

static void test_channel(void **state)
{
	const struct wire_msg msg = { .kind = WIRE_FILE, .text = "argv" };
	static struct channel_packet packet;
	static const char big[2 * WIRE_MAX];
	unsigned before = count_fds();
	int pair[2], err;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(channel_send(pair[0], &msg, STDERR_FILENO, LIMIT_MS), 0);
	assert_int_equal(channel_receive(pair[1], &packet, LIMIT_MS), 0);
	same(&packet.msg, &msg);
	assert_true(packet.fd >= 0);
	assert_int_equal(fcntl(packet.fd, F_GETFD), FD_CLOEXEC);
	close(packet.fd);
	assert_int_equal(channel_send(pair[0], &msg, -1, LIMIT_MS), 0);
	assert_int_equal(channel_receive(pair[1], &packet, LIMIT_MS), 0);
	assert_int_equal(packet.fd, -1);

	/* nobody says anything; too long; not a message; too many descriptors, more than there is room for */
	assert_int_equal(channel_receive(pair[1], &packet, 20), -ETIMEDOUT);
	send_raw(pair[0], big, sizeof(big), 0);
	assert_int_equal(channel_receive(pair[1], &packet, LIMIT_MS), -EPROTO);
	send_raw(pair[0], "what", 4, 1);
	assert_int_equal(channel_receive(pair[1], &packet, LIMIT_MS), -EPROTO);
	send_raw(pair[0], "REPL\0\0\0", 8, 2);
	assert_int_equal(channel_receive(pair[1], &packet, LIMIT_MS), -EPROTO);
	send_raw(pair[0], "REPL\0\0\0", 8, 16);
	assert_int_equal(channel_receive(pair[1], &packet, LIMIT_MS), -EPROTO);
	assert_int_equal(packet.fd, -1);

	/* nobody takes anything */
	do
		err = channel_send(pair[0], &msg, -1, 20);
	while (!err);
	assert_int_equal(err, -ETIMEDOUT);
	close(pair[1]);
	err = channel_send(pair[0], &msg, -1, LIMIT_MS);
	assert_true(err == -EPIPE || err == -ECONNRESET);
	assert_true(channel_receive(pair[0], &packet, LIMIT_MS) < 0);
	close(pair[0]);
	assert_int_equal(count_fds(), before);
}

/* ---- the server ---- */

/* What a helper says before the server asks for anything, and where it goes wrong. */
enum wrong { RIGHT, HELLO_NEWER, HELLO_OTHER, HELLO_LEAVES, ARGS_NONE, ARGS_ERROR, ARGS_BAD, ARGS_EMPTY, ARGS_PIPE,
	ARGS_OTHER_NAME, FUSE_NONE, FUSE_LEAVES, NR_WRONG };

static int args_file(enum wrong wrong)
{
	static const char *const argv[] = { "ext4d", "/image", "/mnt" };
	int fd = memfd_create("argv", MFD_CLOEXEC), pipes[2];
	size_t len;
	void *bytes;

	assert_int_equal(wire_args_encode(3, argv, &bytes, &len), 0);
	if (wrong == ARGS_BAD)
		len--;
	if (wrong != ARGS_EMPTY)
		assert_int_equal(write(fd, bytes, len), len);
	free(bytes);
	if (wrong != ARGS_PIPE)
		return fd;
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	close(pipes[1]);
	return pipes[0];
}

static void play_helper(int sock, enum wrong wrong)
{
	struct wire_msg msg = { .kind = WIRE_HELLO, .min = wrong == HELLO_NEWER ? 2 : 1, .max = 3 };
	static struct channel_packet packet;
	int fd;

	if (wrong == HELLO_LEAVES)
		return;
	if (wrong == HELLO_OTHER)
		msg.kind = WIRE_REPLY;
	assert_int_equal(channel_send(sock, &msg, -1, LIMIT_MS), 0);
	if (channel_receive(sock, &packet, LIMIT_MS))
		return;
	/* it does not speak with us */
	if (wrong == HELLO_NEWER || wrong == HELLO_OTHER) {
		assert_int_equal(packet.msg.kind, WIRE_BYE);
		assert_true(packet.msg.error != 0);
		return;
	}
	assert_int_equal(packet.msg.kind, WIRE_VERSION);
	assert_int_equal(packet.msg.version, 1);
	msg = (struct wire_msg){ .kind = WIRE_FILE, .text = wrong == ARGS_OTHER_NAME ? "args" : "argv",
		.error = wrong == ARGS_ERROR ? EACCES : 0 };
	fd = args_file(wrong);
	assert_int_equal(channel_send(sock, &msg, wrong == ARGS_NONE ? -1 : fd, LIMIT_MS), 0);
	close(fd);
	msg.text = "fusedev";
	msg.error = 0;
	if (wrong == FUSE_LEAVES || channel_send(sock, &msg, wrong == FUSE_NONE ? -1 : STDERR_FILENO, LIMIT_MS))
		return;
	/* the server is content, and has no more to ask: it ends the dialogue with an error */
	if (!channel_receive(sock, &packet, LIMIT_MS)) {
		assert_int_equal(packet.msg.kind, WIRE_BYE);
		assert_true(packet.msg.error != 0);
	}
}

static _Noreturn void be_server(int sock)
{
	struct service *service = NULL;
	struct log log;
	char pid[16];
	int err, argc;

	log_init(&log, "test", LOG_LEVEL_ERROR);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	if (sock != 3)
		dup2(sock, 3);
	close_range(4, ~0u, 0);
	err = service_new(&log, &service);
	if (!err && (service_uid(service) != geteuid() || strcmp(service_argv(service, &argc)[2], "/mnt") || argc != 3))
		err = -EINVAL;
	service_free(service);
	_exit(err ? 1 : 0);
}

static void test_bad_helper(void **state)
{
	(void)state;
	for (enum wrong wrong = RIGHT; wrong < NR_WRONG; wrong++) {
		int pair[2], status;
		pid_t child;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(pair[0]);
			be_server(pair[1]);
		}
		close(pair[1]);
		play_helper(pair[0], wrong);
		close(pair[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), wrong != RIGHT);
	}
}

/* ---- options ---- */

static void test_mountflags(void **state)
{
	unsigned long flags;
	char *options;

	(void)state;
	assert_int_equal(mountflags_split("rw,allow_other,default_permissions,suid,dev", &flags, &options), 0);
	assert_int_equal(flags, 0);
	assert_string_equal(options, "allow_other,default_permissions");
	free(options);
	assert_int_equal(mountflags_split("ro,,nosuid,nodev,suid,sync,noatime,max_read=4096", &flags, &options), 0);
	assert_int_equal(flags, MS_RDONLY | MS_NODEV | MS_SYNCHRONOUS | MS_NOATIME);
	assert_string_equal(options, "max_read=4096");
	free(options);
	assert_int_equal(mountflags_split("ro,allow_root", &flags, &options), 0);
	assert_string_equal(options, "allow_other");
	free(options);
	assert_int_equal(mountflags_split("ro,fd=3", &flags, &options), -EINVAL);
	assert_string_equal(options, "fd=3");
	free(options);
	assert_null(mountflags_find("nosuidx"));
	assert_null(mountflags_find("nosui"));
	assert_int_equal(mountflags_find("ro=1")->set, MS_RDONLY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_changed_messages),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_bad_args),
		cmocka_unit_test(test_channel),
		cmocka_unit_test(test_bad_helper),
		cmocka_unit_test(test_mountflags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
