// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "service/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "service/channel.h"
#include "util/parse.h"

/* sd_listen_fds(3): the first descriptor that is handed over. */
#define LISTEN_FD 3

/* Milliseconds: for a helper that works for nobody but us, and for the files it opens, which may be far away. */
#define HELPER_MS 15000
#define OPEN_MS 60000

/* A device may be busy for a moment: somebody who looks what is on it. */
#define BUSY_TRIES 5
#define BUSY_NS 100000000

struct service {
	struct log *log;
	int sock;    /* -1: the dialogue has ended */
	int fuse_fd; /* owned */
	uid_t uid;
	gid_t gid;
	bool devices; /* see service_want_devices() */
	char *args;   /* owned: what argv points into */
	char **argv;  /* owned */
	int argc;
	struct channel_packet packet; /* the last one */
};

static int say(struct service *service, int err, const char *what)
{
	log_error(service->log, "%s: %s", what, strerror(-err));
	return err;
}

/* ---- messages ---- */

/* Waits for one of this kind. */
static int expect(struct service *service, enum wire_kind kind, unsigned limit_ms)
{
	int err = channel_receive(service->sock, &service->packet, limit_ms);

	if (!err && service->packet.msg.kind != kind)
		err = -EPROTO;
	if (err && service->packet.fd >= 0) {
		close(service->packet.fd);
		service->packet.fd = -1;
	}
	return err;
}

/* An errno of the other side's, which may be anything. */
static int error_of(const struct wire_msg *msg)
{
	return msg->error > 4095 ? -EPROTO : -(int)msg->error;
}

/* Sends what is answered with REPLY. */
static int call(struct service *service, const struct wire_msg *msg, unsigned limit_ms)
{
	int err = channel_send(service->sock, msg, -1, HELPER_MS);

	if (!err)
		err = expect(service, WIRE_REPLY, limit_ms);
	if (err)
		return err;
	if (service->packet.fd >= 0) {
		close(service->packet.fd);
		return -EPROTO;
	}
	return error_of(&service->packet.msg);
}

static int call_text(struct service *service, enum wire_kind kind, const char *text)
{
	const struct wire_msg msg = { .kind = kind, .text = text };

	return call(service, &msg, HELPER_MS);
}

/* Waits for FILE of that name; returns the descriptor, or -errno. */
static int receive_file(struct service *service, const char *name, unsigned limit_ms)
{
	const struct wire_msg *msg = &service->packet.msg;
	int err = expect(service, WIRE_FILE, limit_ms), fd;

	if (err)
		return err;
	fd = service->packet.fd;
	err = error_of(msg);
	/* a descriptor where there is none, or none where there is one */
	if (strcmp(msg->text, name) || (fd < 0) != (err != 0))
		err = -EPROTO;
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- the beginning ---- */

static bool environment_is(const char *name, uint64_t want)
{
	const char *value = getenv(name);
	uint64_t have;

	return value && !parse_number(value, INT32_MAX, &have) && have == want;
}

/* -ENOTCONN: there is none. */
static int take_connection(struct service *service)
{
	struct ucred peer;
	socklen_t len = sizeof(peer), type_len = sizeof(int);
	int type;

	if (!environment_is("LISTEN_PID", (uint64_t)getpid()) || !environment_is("LISTEN_FDS", 1))
		return -ENOTCONN;
	if (fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC))
		return -errno;
	if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_TYPE, &type, &type_len) ||
		getsockopt(LISTEN_FD, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -errno;
	if (type != SOCK_SEQPACKET)
		return -EPROTOTYPE;
	service->sock = LISTEN_FD;
	service->uid = peer.uid;
	service->gid = peer.gid;
	return 0;
}

static int greet(struct service *service)
{
	const struct wire_msg version = { .kind = WIRE_VERSION, .version = WIRE_PROTOCOL };
	int err = expect(service, WIRE_HELLO, HELPER_MS);

	if (!err && service->packet.fd >= 0) {
		close(service->packet.fd);
		err = -EPROTO;
	}
	if (!err && (service->packet.msg.min > WIRE_PROTOCOL || service->packet.msg.max < WIRE_PROTOCOL))
		err = -EPROTONOSUPPORT;
	return err ? err : channel_send(service->sock, &version, -1, HELPER_MS);
}

/* The file is the helper's, which may still change it: read once, checked afterwards. */
static int read_args(struct service *service, int fd)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)WIRE_ARGS_MAX)
		return -EPROTO;
	service->args = malloc((size_t)st.st_size);
	if (!service->args)
		return -ENOMEM;
	got = pread(fd, service->args, (size_t)st.st_size, 0);
	if (got < 0)
		return -errno;
	return wire_args_decode(service->args, (size_t)got, &service->argv, &service->argc);
}

static int receive_args(struct service *service)
{
	CLEANUP(cleanup_close) int fd = receive_file(service, "argv", HELPER_MS);

	return fd < 0 ? fd : read_args(service, fd);
}

static int begin(struct service *service)
{
	int err = greet(service);

	if (!err)
		err = receive_args(service);
	if (err)
		return err;
	service->fuse_fd = receive_file(service, "fusedev", HELPER_MS);
	return service->fuse_fd < 0 ? service->fuse_fd : 0;
}

int service_new(struct log *log, struct service **ret)
{
	struct service *service = calloc(1, sizeof(*service));
	int err;

	if (!service)
		return -ENOMEM;
	*service = (struct service){ .log = log, .sock = -1, .fuse_fd = -1 };
	err = take_connection(service);
	if (err == -ENOTCONN)
		log_error(log, "--service: the service manager has handed over no connection");
	else if (err)
		say(service, err, "--service: descriptor 3 is no connection of a mount helper");
	if (!err) {
		err = begin(service);
		if (err)
			say(service, err, "the mount helper does not say what to mount");
	}
	if (err)
		service_free(service);
	else
		*ret = service;
	return err;
}

void service_free(struct service *service)
{
	if (!service)
		return;
	service_end(service, -ECANCELED);
	if (service->fuse_fd >= 0)
		close(service->fuse_fd);
	free(service->argv);
	free(service->args);
	free(service);
}

char **service_argv(const struct service *service, int *ret_argc)
{
	*ret_argc = service->argc;
	return service->argv;
}

uid_t service_uid(const struct service *service)
{
	return service->uid;
}

gid_t service_gid(const struct service *service)
{
	return service->gid;
}

int service_fuse_fd(const struct service *service)
{
	return service->fuse_fd;
}

int service_take_fuse_fd(struct service *service)
{
	int fd = service->fuse_fd;

	service->fuse_fd = -1;
	return fd;
}

/* ---- what the helper does for us ---- */

int service_ask_iomap(struct service *service)
{
	const struct wire_msg msg = { .kind = WIRE_IOMAP, .iomap = WIRE_IOMAP_OPTIONAL };

	return call(service, &msg, HELPER_MS);
}

void service_want_devices(struct service *service)
{
	service->devices = true;
}

int service_open(void *userdata, const char *path, int flags)
{
	struct service *service = userdata;
	const struct wire_msg msg = {
		.kind = WIRE_OPEN,
		.flags = (uint32_t)(flags | O_EXCL),
		.request = service->devices ? WIRE_TRY_LOOP : 0,
		.text = path,
	};
	const struct timespec pause = { .tv_nsec = BUSY_NS };
	int ret = -EBUSY;

	for (unsigned i = 0; i < BUSY_TRIES && ret == -EBUSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		ret = channel_send(service->sock, &msg, -1, HELPER_MS);
		if (!ret)
			ret = receive_file(service, path, OPEN_MS);
	}
	return ret;
}

int service_mount(struct service *service, const struct service_mount *what)
{
	const struct wire_msg mount = { .kind = WIRE_MOUNT, .flags = (uint32_t)what->flags };
	int err = call_text(service, WIRE_TYPE, what->type);

	if (!err)
		err = call_text(service, WIRE_SOURCE, what->source);
	if (!err)
		err = call_text(service, WIRE_WHERE, what->mountpoint);
	if (!err && what->options[0])
		err = call_text(service, WIRE_OPTIONS, what->options);
	if (!err)
		err = call(service, &mount, OPEN_MS);
	return err ? say(service, err, "the mount helper does not mount") : 0;
}

void service_end(struct service *service, int err)
{
	const struct wire_msg bye = { .kind = WIRE_BYE, .error = (uint32_t)-err };

	if (service->sock < 0)
		return;
	if (channel_send(service->sock, &bye, -1, HELPER_MS))
		log_debug(service->log, "the mount helper has gone");
	close(service->sock);
	service->sock = -1;
}
