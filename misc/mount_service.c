// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount.ext4d-service: mounts with a server that has no rights. It holds the rights itself, opens what its caller
 * named, as far as the caller may, mounts on what the caller named, and lets the server say no more than how. May be
 * set-user-ID root. The server is not trusted: it reads images of strangers.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount_attach.h"
#include "mount_caller.h"
#include "service/channel.h"
#include "service/mountflags.h"
#include "util/log.h"
#include "util/parse.h"

#define PROGRAM "mount.ext4d-service"
#define TYPE "ext4d" /* the socket's name, and after "fuse." the filesystem's */
#define SOCKET "/run/filesystems/" TYPE
#define FUSE_DEVICE "/dev/fuse"

/* mount(8)'s */
enum { EXIT_USAGE = 1, EXIT_SYSTEM = 2, EXIT_MOUNT = 32 };

/* Milliseconds: for a server to start; until it has mounted, which may take a journal's recovery. */
#define START_MS 15000
#define WORK_MS 600000

/* More messages than a server has to send: it opens /dev/fuse for each CPU. */
#define MESSAGES_MAX 10000

#define JOURNALS_MAX 4

/* Bytes of a loop device at least. */
#define SECTOR 512

/* Bytes that the kernel takes for a source. */
#define SOURCE_MAX 255

/* A file that the caller has named. */
struct named {
	const char *name; /* as the server is told it */
	int fd;		  /* held: caller_pin() */
	struct stat st;
	unsigned loops; /* 1: a loop device was made for reading, 2: for writing */
};

/* What the caller wants. */
struct wish {
	char *source, *mountpoint; /* owned: without symbolic links */
	char *options;		   /* owned: all -o lists as one, NULL: none */
	char *copy;		   /* owned: what names of journals point into */
	struct named files[1 + JOURNALS_MAX]; /* the image, and what options name */
	unsigned nr_files;
	unsigned long flags; /* MS_* that the mount has at least */
	bool no_iomap, allow_other, fake, sloppy;
};

struct helper {
	struct mount_caller caller;
	struct wish wish;
	int directory, sock, fuse; /* descriptors */
	int mount;		   /* made, and nowhere yet; -1 */
	bool iomap;		   /* it may move the bytes of files by itself */
	bool refused;  /* something it must not ask for: no mount */
	unsigned told; /* 1 << TOLD_*: what the server has said of the mount */
	char *options; /* owned: for the kernel */
};

enum { TOLD_TYPE = 1, TOLD_SOURCE = 2, TOLD_WHERE = 4, TOLD_OPTIONS = 8,
	TOLD_ALL = TOLD_TYPE | TOLD_SOURCE | TOLD_WHERE };

static int complain(int status, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int complain(int status, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (line)
		log_make_printable(line);
	dprintf(STDERR_FILENO, PROGRAM ": %s\n", line ? line : "out of memory");
	return status;
}

/* ---- the command line ---- */

static int add_options(struct wish *wish, const char *more)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", wish->options ? wish->options : "", wish->options ? "," : "", more) < 0)
		return complain(EXIT_SYSTEM, "out of memory");
	free(wish->options);
	wish->options = joined;
	return 0;
}

static int parse_flags(int argc, char **argv, struct wish *wish)
{
	int c, status = 0;

	opterr = 0;
	while (!status && (c = getopt(argc, argv, ":fnsvN:o:t:")) != -1) {
		switch (c) {
		case 'f':
			wish->fake = true;
			break;
		case 's':
			wish->sloppy = true;
			break;
		case 'o':
			status = add_options(wish, optarg);
			break;
		case 'n':
		case 'v':
		case 't':
			break;
		case 'N':
			return complain(EXIT_USAGE, "-N: other mount namespaces are not supported, see nsenter(1)");
		case ':':
			return complain(EXIT_USAGE, "-%c needs a value", optopt);
		default:
			return complain(EXIT_USAGE, "unknown option -%c, see " PROGRAM "(8)", optopt);
		}
	}
	return status;
}

/* canonical: where it is now. */
static int name_file(struct wish *wish, const char *name, const char *canonical)
{
	struct named *named = &wish->files[wish->nr_files];
	const struct named *image = &wish->files[0];

	named->name = name;
	named->fd = caller_pin(canonical, &named->st);
	if (named->fd < 0)
		return complain(EXIT_MOUNT, "%s: %s", name, strerror(-named->fd));
	if (wish->nr_files && named->st.st_dev == image->st.st_dev && named->st.st_ino == image->st.st_ino)
		return complain(EXIT_MOUNT, "%s: is the image, no external journal", name);
	wish->nr_files++;
	return 0;
}

static int name_journal(struct wish *wish, const char *name)
{
	CLEANUP(cleanup_free) char *canonical = NULL;

	if (wish->nr_files == 1 + JOURNALS_MAX)
		return complain(EXIT_USAGE, "too many options journal_path");
	canonical = realpath(name, NULL);
	if (!canonical)
		return complain(EXIT_MOUNT, "%s: %s", name, strerror(errno));
	return name_file(wish, name, canonical);
}

/* What options mean to us; the others are the server's. */
static int look_at_options(struct wish *wish, bool root)
{
	bool said_others = false, own_only = false;
	char *rest, *option;
	int status = 0;

	/* whatever a stranger's image holds, or makes of its server */
	wish->flags = MS_NOSUID | MS_NODEV;
	wish->copy = rest = strdup(wish->options ? wish->options : "");
	if (!rest)
		return complain(EXIT_SYSTEM, "out of memory");
	while (!status && (option = parse_option(&rest))) {
		const struct mountflag *flag = mountflags_find(option);

		if (!strcmp(option, "remount"))
			return complain(EXIT_USAGE, "option remount: of a mount of type fuse." TYPE);
		if (flag)
			wish->flags = (wish->flags | flag->set) & ~flag->clear;
		said_others |= !strcmp(option, "allow_other") || !strcmp(option, "allow_root");
		own_only |= !strcmp(option, "no_default_opts") || !strcmp(option, "fakeroot");
		if (!strncmp(option, "iomap=", strlen("iomap=")))
			wish->no_iomap = !strcmp(option, "iomap=off");
		if (!strncmp(option, "journal_path=", strlen("journal_path=")))
			status = name_journal(wish, strchr(option, '=') + 1);
	}
	wish->flags &= MOUNTFLAGS_RESTRICTIONS;
	wish->allow_other = said_others || (root && !own_only);
	return status;
}

static int parse(int argc, char **argv, bool root, struct wish *wish)
{
	int status = parse_flags(argc, argv, wish);

	if (status)
		return status;
	if (argc - optind != 2)
		return complain(EXIT_USAGE, "usage: " PROGRAM " IMAGE DIRECTORY [-o OPTIONS]");
	wish->source = realpath(argv[optind], NULL);
	if (!wish->source)
		return complain(EXIT_MOUNT, "%s: %s", argv[optind], strerror(errno));
	if (strlen(wish->source) > SOURCE_MAX)
		return complain(EXIT_MOUNT, "%s: %s", argv[optind], strerror(ENAMETOOLONG));
	status = name_file(wish, wish->source, wish->source);
	if (status)
		return status;
	wish->mountpoint = realpath(argv[optind + 1], NULL);
	if (!wish->mountpoint)
		return complain(EXIT_MOUNT, "%s: %s", argv[optind + 1], strerror(errno));
	return look_at_options(wish, root);
}

/* ---- what the server asks for ---- */

static struct named *find_named(struct wish *wish, const char *name)
{
	for (unsigned i = 0; i < wish->nr_files; i++)
		if (!strcmp(name, wish->files[i].name))
			return &wish->files[i];
	return NULL;
}

/*
 * With root's rights a loop device can be had, and whether there is one can be seen. The server may do with it
 * what it likes, even keep it: so there is only one for reading and one for writing, and none without a use.
 */
static int as_device(const struct helper *helper, struct named *named, int fd, bool writable, bool wanted)
{
	const unsigned loop = writable ? 2 : 1;
	int ret = fd;

	if (!S_ISREG(named->st.st_mode))
		return fd;
	caller_raise();
	if (attach_has_loop(&named->st, writable)) {
		ret = -EBUSY;
	} else if (wanted && helper->iomap && !(named->loops & loop) && named->st.st_size >= SECTOR) {
		ret = attach_loop(fd, writable);
		if (ret >= 0)
			named->loops |= loop;
	}
	caller_lower(&helper->caller);
	/* without a loop device the server moves the bytes of files itself */
	return ret < 0 && ret != -EBUSY ? fd : ret;
}

/* Returns a descriptor or -errno. */
static int open_for(struct helper *helper, const struct wire_msg *msg)
{
	const bool writable = (msg->flags & O_ACCMODE) != O_RDONLY;
	struct named *named = find_named(&helper->wish, msg->text);
	int fd, ret;

	if (!strcmp(msg->text, FUSE_DEVICE))
		return caller_open_fuse((int)msg->flags);
	if (!named)
		return -EPERM;
	if (writable && helper->wish.flags & MS_RDONLY)
		return -EROFS;
	fd = caller_reopen(named->fd, (int)msg->flags);
	if (fd < 0)
		return fd;
	ret = as_device(helper, named, fd, writable, msg->request & WIRE_TRY_LOOP);
	if (ret != fd)
		close(fd);
	return ret;
}

static int serve_open(struct helper *helper, const struct wire_msg *msg)
{
	int fd = open_for(helper, msg), err;
	struct wire_msg reply = {
		.kind = WIRE_FILE, .error = fd < 0 ? (uint32_t)-fd : 0, .text = msg->text };

	err = channel_send(helper->sock, &reply, fd < 0 ? -1 : fd, START_MS);
	if (fd >= 0)
		close(fd);
	return err;
}

/* The kernel does not look how a device was opened: who may only read it could have the kernel write to it then. */
static bool may_have_iomap(const struct helper *helper)
{
	const struct wish *wish = &helper->wish;
	bool allowed = caller_is_root(&helper->caller) && !wish->no_iomap;

	for (unsigned i = 0; i < wish->nr_files; i++)
		if (S_ISBLK(wish->files[i].st.st_mode) && wish->flags & MS_RDONLY)
			allowed = false;
	return allowed;
}

static int grant_iomap(struct helper *helper)
{
	int err;

	if (!may_have_iomap(helper))
		return -EPERM;
	caller_raise();
	err = attach_grant_iomap(helper->fuse);
	caller_lower(&helper->caller);
	helper->iomap |= !err;
	return err;
}

static int ask_iomap(struct helper *helper, const struct wire_msg *msg)
{
	int err;

	if (msg->iomap != WIRE_IOMAP_OPTIONAL && msg->iomap != WIRE_IOMAP_MANDATORY)
		return -EINVAL;
	err = grant_iomap(helper);
	return msg->iomap == WIRE_IOMAP_MANDATORY ? err : 0;
}

/* Once each, and what we know ourselves. */
static int told(struct helper *helper, unsigned what, const char *text, const char *want)
{
	if (helper->told & what)
		return -EINVAL;
	helper->told |= what;
	if (!strcmp(text, want))
		return 0;
	helper->refused = true;
	return -EPERM;
}

/* Whether the kernel may be told that. */
static bool is_allowed(const struct helper *helper, const char *option)
{
	const char *value = strchr(option, '=');

	if (!strcmp(option, "default_permissions"))
		return true;
	if (!strcmp(option, "allow_other"))
		return helper->wish.allow_other && caller_may_allow_other(&helper->caller);
	return value && !strncmp(option, "max_read=", strlen("max_read=")) && value[1] &&
		strspn(value + 1, "0123456789") == strlen(value + 1);
}

static int take_options(struct helper *helper, const char *text)
{
	CLEANUP(cleanup_free) char *copy = strdup(text);
	char *rest = copy, *option;

	if (helper->told & TOLD_OPTIONS)
		return -EINVAL;
	helper->told |= TOLD_OPTIONS;
	helper->options = strdup(text);
	if (!copy || !helper->options)
		return -ENOMEM;
	while ((option = parse_option(&rest)))
		helper->refused |= !is_allowed(helper, option);
	return helper->refused ? -EPERM : 0;
}

/*
 * By a /dev/fuse that the server has never had: it may have told its own to keep the mount waiting for the reply to
 * INIT (SYNC_INIT), and us with it.
 */
static int mount_apart(struct helper *helper, struct attach_what *what)
{
	int fuse = caller_open_fuse(O_RDWR), mount, err = 0;

	if (fuse < 0)
		return fuse;
	what->fuse_fd = fuse;
	caller_raise();
	if (helper->iomap)
		err = attach_grant_iomap(fuse);
	mount = err ? err : attach_make(what);
	if (mount >= 0)
		err = attach_share(fuse, helper->fuse);
	caller_lower(&helper->caller);
	/* the connection ends with it, if it is not shared */
	close(fuse);
	if (err && mount >= 0)
		close(mount);
	else
		helper->mount = mount;
	return err ? err : mount < 0 ? mount : 0;
}

/* Makes the mount; it is put in its place when the server says that it can be used. */
static int make_mount(struct helper *helper, uint32_t flags)
{
	const unsigned long known = MOUNTFLAGS_RESTRICTIONS | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME;
	struct attach_what what = {
		.source = helper->wish.source,
		.subtype = TYPE,
		.options = helper->options ? helper->options : "",
		.flags = flags | helper->wish.flags,
		.uid = helper->caller.uid,
		.gid = helper->caller.gid,
	};

	if (helper->refused)
		return -EPERM;
	if (helper->mount >= 0 || (helper->told & TOLD_ALL) != TOLD_ALL || flags & ~known)
		return -EINVAL;
	if (!caller_is_root(&helper->caller))
		what.flags |= MS_NOSUID | MS_NODEV;
	if (!caller_may_mount_more(&helper->caller))
		return -EDQUOT;
	return mount_apart(helper, &what);
}

static int reply_to(struct helper *helper, const struct wire_msg *msg)
{
	struct wire_msg reply = { .kind = WIRE_REPLY };
	int err = -EINVAL;

	switch (msg->kind) {
	case WIRE_OPEN:
		return serve_open(helper, msg);
	case WIRE_IOMAP:
		err = ask_iomap(helper, msg);
		break;
	case WIRE_TYPE:
		err = told(helper, TOLD_TYPE, msg->text, "fuse." TYPE);
		break;
	case WIRE_SOURCE:
		err = told(helper, TOLD_SOURCE, msg->text, helper->wish.source);
		break;
	case WIRE_WHERE:
		err = told(helper, TOLD_WHERE, msg->text, helper->wish.mountpoint);
		break;
	case WIRE_OPTIONS:
		err = take_options(helper, msg->text);
		break;
	case WIRE_MOUNT:
		err = make_mount(helper, msg->flags);
		break;
	default:
		return -EPROTO;
	}
	reply.error = (uint32_t)-err;
	return channel_send(helper->sock, &reply, -1, START_MS);
}

/* ---- the dialogue ---- */

static int greet(const struct helper *helper)
{
	const struct wire_msg hello = { .kind = WIRE_HELLO, .min = WIRE_PROTOCOL, .max = WIRE_PROTOCOL };
	struct channel_packet packet;
	int err = channel_send(helper->sock, &hello, -1, START_MS);

	if (!err)
		err = channel_receive(helper->sock, &packet, START_MS);
	if (err)
		return err;
	if (packet.fd >= 0) {
		close(packet.fd);
		return -EPROTO;
	}
	return packet.msg.kind == WIRE_VERSION && packet.msg.version == WIRE_PROTOCOL ? 0 : -EPROTO;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0)
			return -errno;
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

static int send_argv(const struct helper *helper)
{
	const struct wish *wish = &helper->wish;
	const struct wire_msg msg = { .kind = WIRE_FILE, .text = "argv" };
	const char *argv[8];
	CLEANUP(cleanup_free) void *bytes = NULL;
	CLEANUP(cleanup_close) int fd = -1;
	size_t len;
	int argc = 0, err;

	argv[argc++] = TYPE;
	if (wish->sloppy)
		argv[argc++] = "-s";
	if (wish->options) {
		argv[argc++] = "-o";
		argv[argc++] = wish->options;
	}
	argv[argc++] = "--";
	argv[argc++] = wish->source;
	argv[argc++] = wish->mountpoint;
	err = wire_args_encode(argc, argv, &bytes, &len);
	if (err)
		return err;
	fd = memfd_create("argv", MFD_CLOEXEC);
	err = fd < 0 ? -errno : write_all(fd, bytes, len);
	return err ? err : channel_send(helper->sock, &msg, fd, START_MS);
}

static int send_fuse(struct helper *helper)
{
	const struct wire_msg msg = { .kind = WIRE_FILE, .text = "fusedev" };

	helper->fuse = caller_open_fuse(O_RDWR);
	if (helper->fuse < 0)
		return helper->fuse;
	return channel_send(helper->sock, &msg, helper->fuse, START_MS);
}

/* Until the server ends the dialogue: 0 or what it ends with, or what keeps it from its end. */
static int converse(struct helper *helper)
{
	const uint64_t until = channel_now_ms() + WORK_MS;

	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		const uint64_t now = channel_now_ms();
		struct channel_packet packet;
		int err = channel_receive(helper->sock, &packet, now < until ? (unsigned)(until - now) : 0);

		if (err)
			return err;
		if (packet.fd >= 0) {
			close(packet.fd);
			return -EPROTO;
		}
		if (packet.msg.kind == WIRE_BYE && packet.msg.error)
			return packet.msg.error > 4095 ? -EPROTO : -(int)packet.msg.error;
		if (packet.msg.kind == WIRE_BYE)
			return helper->mount < 0 ? -EPROTO : 0;
		err = reply_to(helper, &packet.msg);
		if (err)
			return err;
	}
	return -EPROTO;
}

static int say_refusal(const struct helper *helper, int err)
{
	const char *source = helper->wish.source;

	switch (err) {
	case -ETIMEDOUT:
		return complain(EXIT_MOUNT, "%s: the service does not answer", source);
	case -ECONNRESET:
	case -EPIPE:
		return complain(EXIT_MOUNT, "%s: the service ended without having mounted it; its log says why", source);
	case -EPROTO:
		return complain(EXIT_MOUNT, "%s: the service does not keep to the protocol", source);
	default:
		return complain(EXIT_MOUNT, "%s: %s; the service's log says more", source, strerror(-err));
	}
}

static int attach(const struct helper *helper)
{
	/* the server may have taken its time, and the caller may have been stopped: what they may is what they may now */
	int err = caller_check_mountpoint(&helper->caller, helper->directory);

	if (!err) {
		caller_raise();
		err = attach_move(helper->mount, helper->directory);
		caller_lower(&helper->caller);
	}
	if (!err)
		return 0;
	return complain(EXIT_MOUNT, "%s: cannot mount: %s", helper->wish.mountpoint, strerror(-err));
}

static int run(struct helper *helper)
{
	int err, status;

	helper->directory = caller_open_mountpoint(&helper->caller, helper->wish.mountpoint);
	if (helper->directory < 0)
		return complain(EXIT_MOUNT, "%s: %s", helper->wish.mountpoint, strerror(-helper->directory));
	/* before a server is started for nothing */
	if (!caller_may_mount_more(&helper->caller))
		return complain(EXIT_MOUNT, "%s: %s", helper->wish.mountpoint, strerror(EDQUOT));
	helper->sock = caller_connect(&helper->caller, SOCKET);
	if (helper->sock < 0)
		return complain(EXIT_MOUNT, "no service at " SOCKET ": %s", strerror(-helper->sock));
	err = greet(helper);
	if (!err)
		err = send_argv(helper);
	if (!err)
		err = send_fuse(helper);
	if (!err)
		err = converse(helper);
	if (err)
		status = say_refusal(helper, err);
	else
		status = attach(helper);
	/* without a place it goes with us, and the server with it */
	if (status && helper->mount >= 0) {
		caller_raise();
		attach_abort(helper->mount);
		caller_lower(&helper->caller);
	}
	return status;
}

/* What is opened must not get the number of a standard descriptor: messages would go there. */
static int open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct helper helper = { .directory = -1, .sock = -1, .fuse = -1, .mount = -1 };
	int status;

	if (open_standard_fds())
		return EXIT_SYSTEM;
	if (caller_init(&helper.caller))
		return complain(EXIT_SYSTEM, "has to be run by root, or to be set-user-ID root");
	status = parse(argc, argv, caller_is_root(&helper.caller), &helper.wish);
	if (!status && !helper.wish.fake)
		status = run(&helper);
	/* descriptors go with the process */
	free(helper.options);
	free(helper.wish.copy);
	free(helper.wish.options);
	free(helper.wish.mountpoint);
	free(helper.wish.source);
	return status;
}
