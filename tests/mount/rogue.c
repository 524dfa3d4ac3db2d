// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server that has been taken over: asks a mount helper for what it must not get. Prints what it gets, one
 * line for each question; ends with 0 if the helper has stayed to the end.
 *
 *	rogue open PATH FLAGS		and any number of the others, in order; loop: as a loop device;
 *					first: prints the first byte
 *	rogue type TEXT | source TEXT | where TEXT | options TEXT
 *	rogue mount FLAGS | iomap MODE | bye ERROR
 *	rogue sync			has the kernel wait for the reply to INIT (FUSE_DEV_IOC_SYNC_INIT)
 *	rogue fd | bytes HEX | stop | silence | leave
 *
 * In TEXT, @1 and @2 stand for what the helper was called with.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/iomap_abi.h"
#include "service/channel.h"

#define SOCK 3
#define LIMIT_MS 30000

static struct channel_packet packet;
static int fuse;
static char *named[2]; /* what the helper was called with */

static int take_named(int fd)
{
	static char bytes[65536];
	ssize_t got = pread(fd, bytes, sizeof(bytes), 0);
	char **argv;
	int argc;

	if (got < 0 || wire_args_decode(bytes, (size_t)got, &argv, &argc) || argc < 3)
		return -EPROTO;
	named[0] = argv[argc - 2];
	named[1] = argv[argc - 1];
	free(argv);
	return 0;
}

static int begin(void)
{
	const struct wire_msg version = { .kind = WIRE_VERSION, .version = WIRE_PROTOCOL };
	int err = channel_receive(SOCK, &packet, LIMIT_MS);

	if (!err)
		err = channel_send(SOCK, &version, -1, LIMIT_MS);
	if (!err)
		err = channel_receive(SOCK, &packet, LIMIT_MS);
	if (!err)
		err = take_named(packet.fd);
	if (!err)
		err = channel_receive(SOCK, &packet, LIMIT_MS);
	fuse = packet.fd;
	return err;
}

static const char *expand(const char *text)
{
	return text[0] == '@' && (text[1] == '1' || text[1] == '2') ? named[text[1] - '1'] : text;
}

/* Sends, waits for the answer, and prints it. */
static int ask(const char *what, const struct wire_msg *msg)
{
	int err = channel_send(SOCK, msg, -1, LIMIT_MS);
	struct stat st = { 0 };
	char first;

	if (!err)
		err = channel_receive(SOCK, &packet, LIMIT_MS);
	if (err) {
		printf("%s: gone: %s\n", what, strerror(-err));
		return err;
	}
	if (packet.fd >= 0 && !strcmp(what, "first"))
		printf("%s: %c\n", what, pread(packet.fd, &first, 1, 0) == 1 ? first : '-');
	else if (packet.fd >= 0 && fstat(packet.fd, &st) == 0)
		printf("%s: a %s\n", what, S_ISCHR(st.st_mode) ? "character device" :
			S_ISBLK(st.st_mode) ? "block device" : "file");
	else
		printf("%s: %s\n", what, strerror((int)packet.msg.error));
	return 0;
}

static int send_bytes(const char *hex)
{
	char bytes[4096];
	size_t len = 0;

	for (unsigned byte; len < sizeof(bytes) && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		bytes[len++] = (char)byte;
	return send(SOCK, bytes, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Returns how many words were for the question, or -errno. */
static int question(char **argv)
{
	static const struct {
		const char *name;
		enum wire_kind kind;
	} texts[] = { { "type", WIRE_TYPE }, { "source", WIRE_SOURCE }, { "where", WIRE_WHERE },
		{ "options", WIRE_OPTIONS } };
	const char *what = argv[0], *value = argv[1] ? argv[1] : "";
	struct wire_msg msg = { 0 };
	int err = -EINVAL, words = 2;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(what, texts[i].name)) {
			msg = (struct wire_msg){ .kind = texts[i].kind, .text = expand(value) };
			err = ask(what, &msg);
		}
	if (!strcmp(what, "open") || !strcmp(what, "loop") || !strcmp(what, "first")) {
		msg = (struct wire_msg){ .kind = WIRE_OPEN, .text = expand(value),
			.flags = (uint32_t)strtoul(argv[2], NULL, 0),
			.request = what[0] == 'l' ? WIRE_TRY_LOOP : 0 };
		err = ask(what, &msg);
		words = 3;
	} else if (!strcmp(what, "mount")) {
		msg = (struct wire_msg){ .kind = WIRE_MOUNT, .flags = (uint32_t)strtoul(value, NULL, 0) };
		err = ask(what, &msg);
	} else if (!strcmp(what, "iomap")) {
		msg = (struct wire_msg){ .kind = WIRE_IOMAP, .iomap = (uint32_t)strtoul(value, NULL, 0) };
		err = ask(what, &msg);
	} else if (!strcmp(what, "bye")) {
		msg = (struct wire_msg){ .kind = WIRE_BYE, .error = (uint32_t)strtoul(value, NULL, 0) };
		err = channel_send(SOCK, &msg, -1, LIMIT_MS);
	} else if (!strcmp(what, "bytes")) {
		err = send_bytes(value);
	} else if (!strcmp(what, "fd")) {
		msg = (struct wire_msg){ .kind = WIRE_TYPE, .text = "fuse.ext4d" };
		err = channel_send(SOCK, &msg, STDERR_FILENO, LIMIT_MS);
		words = 1;
	} else if (!strcmp(what, "sync")) {
		/* older kernels do not have it */
		err = ioctl(fuse, IOMAP_ABI_IOC_SYNC_INIT) && errno != ENOTTY ? -errno : 0;
		words = 1;
	} else if (!strcmp(what, "stop")) {
		/* until somebody has changed something */
		printf("stop: %d\n", (int)getpid());
		raise(SIGSTOP);
		err = 0;
		words = 1;
	} else if (!strcmp(what, "silence")) {
		pause();
	} else if (!strcmp(what, "leave")) {
		_exit(0);
	}
	return err ? err : words;
}

int main(int argc, char **argv)
{
	int err = 0, words;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "mute")) {
		pause();
		return 0;
	}
	err = begin();
	for (char **at = argv + 1; !err && *at; at += words) {
		words = question(at);
		if (words < 0)
			err = words;
	}
	/* until the helper goes, at the end or because of what it was sent */
	while (!err)
		err = channel_receive(SOCK, &packet, LIMIT_MS);
	printf("end: %s\n", strerror(-err));
	return err != -ECONNRESET;
}
