// SPDX-License-Identifier: GPL-2.0-or-later
/* Command line, wiring and life cycle of the server. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"
#include "fuse/iomap.h"
#include "fuse/iomap_device.h"
#include "fuse/keyfinder.h"
#include "fuse/nodes.h"
#include "fuse/ops.h"
#include "options.h"
#include "remount.h"
#include "service/mountflags.h"
#include "service/server.h"
#include "unmount.h"
#include "util/kernelkeys.h"

#define PROGRAM "ext4d"

/* Everything a mounted server consists of, lowest first. */
struct server {
	struct log log;
	struct ops_context ops;
	struct keyfinder *keyfinder; /* NULL: the keyrings are not looked at */
	struct session *session;
	struct service *service; /* NULL: we open and mount ourselves */
	char *source;	  /* owned: the image's absolute name, for mountinfo */
	char *mountpoint; /* owned: absolute, the working directory will change */
};

/* Returns what kept something from being written. */
static int server_fini(struct server *server)
{
	int err;

	service_free(server->service);
	session_free(server->session);
	iomap_free(server->ops.iomap);
	err = fs_close(server->ops.fs);
	keyfinder_free(server->keyfinder);
	nodes_free(server->ops.nodes);
	free(server->source);
	free(server->mountpoint);
	return err;
}

/* Whether uid 0 here is the machine's: the identity mapping of all numbers. */
static bool in_initial_user_namespace(void)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned long inside, outside, count;
	bool initial = map && fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
		inside == 0 && outside == 0 && count == UINT32_MAX;

	if (map)
		fclose(map);
	return initial;
}

/* Who mounts. */
static uid_t mounter_uid(const struct server *server)
{
	return server->service ? service_uid(server->service) : geteuid();
}

static gid_t mounter_gid(const struct server *server)
{
	return server->service ? service_gid(server->service) : getegid();
}

static void set_owner(struct server *server, const struct options *opts)
{
	struct reply_owner *owner = &server->ops.owner;

	*owner = opts->owner;
	if (!opts->fakeroot)
		return;
	if (!owner->set_uid)
		owner->uid = mounter_uid(server);
	if (!owner->set_gid)
		owner->gid = mounter_gid(server);
	owner->set_uid = owner->set_gid = true;
}

/*
 * What fuse2fs chooses too: a root mount is for everyone, with the kernel checking permissions; a
 * user's own mount is theirs. fakeroot means that permissions do not count.
 */
static const char *default_opts(const struct server *server, const struct options *opts)
{
	if (opts->no_default_opts)
		return "";
	if (opts->fakeroot)
		return ",nosuid,nodev";
	if (mounter_uid(server) == 0)
		return ",allow_other,default_permissions,suid,dev";
	return ",default_permissions";
}

/* What a mount has, besides its source and type. The caller frees it; NULL: out of memory. */
static char *mount_opts(const struct server *server, const struct options *opts)
{
	const char *more = opts->fuse_opts ? opts->fuse_opts : "";
	char *list;

	if (asprintf(&list, "%s%s%s%s", server->ops.nodes ? "rw" : "ro", default_opts(server, opts),
		    more[0] ? "," : "", more) < 0)
		return NULL;
	return list;
}

static int open_device(void *service)
{
	return service_open(service, "/dev/fuse", O_RDWR | O_CLOEXEC);
}

static int prepare_iomap(void *userdata, const char **ret_why)
{
	const struct ops_context *ops = userdata;

	return iomap_prepare(ops->iomap, ret_why);
}

static int make_session(struct server *server, const struct options *opts)
{
	const bool writable = server->ops.nodes;
	struct session_config config = {
		.ops = ops_table(writable),
		.userdata = &server->ops,
		.intercept = ops_intercept,
		.init_flags = writable ? ABI_INIT_HANDLE_KILLPRIV_V2 : 0,
		.uring = opts->uring,
		.iomap = opts->iomap,
		.prepare_iomap = prepare_iomap,
		.open_device = server->service ? open_device : NULL,
		.open_data = server->service,
		.log = &server->log,
	};
	CLEANUP(cleanup_free) char *source = options_escape(server->source);
	CLEANUP(cleanup_free) char *mount_list = mount_opts(server, opts);
	CLEANUP(cleanup_free) char *list = NULL;
	char *argv[] = { (char *)PROGRAM, (char *)"-o", NULL, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	int err;

	if (!source || !mount_list ||
		asprintf(&list, "fsname=%s,subtype=" PROGRAM ",%s", source, mount_list) < 0)
		return -ENOMEM;
	argv[2] = list;
	err = session_new(&config, &args, &server->session);
	fuse_opt_free_args(&args);
	return err;
}

/* Opens one of the filesystem's files. *ret_protected: its path, if it is write-protected. */
static int open_part(struct server *server, const char *path, const struct image_options *from,
	const char **ret_protected, struct blk **ret)
{
	int err = image_open(path, from, &server->log, ret);

	if (err == -EROFS)
		*ret_protected = path;
	return err;
}

/* It would be locked against itself. */
static int check_journal_path(struct server *server, const struct options *opts)
{
	struct stat image, journal;

	/* a helper has looked: its names are perhaps none of ours */
	if (server->service || !opts->journal_path || stat(opts->image, &image) ||
		stat(opts->journal_path, &journal) || image.st_dev != journal.st_dev || image.st_ino != journal.st_ino)
		return 0;
	log_error(&server->log, "%s: is the image, no external journal", opts->journal_path);
	return -EINVAL;
}

/*
 * -EROFS: the filesystem can perhaps be read; *ret_protected names the file that is write-protected,
 * or is NULL if the filesystem itself does not allow it, which has been said.
 */
static int open_image(struct server *server, const struct options *opts, bool writable,
	const char **ret_protected)
{
	/* an external journal lies on all of its device, and is locked and opened like the image */
	struct image_options journal_from = { .has_offset = true };
	struct image_options from = opts->from;
	struct fs_options fs_opts = opts->fs;
	const char *slash = strrchr(opts->image, '/');
	struct blk *blk = NULL;
	int err;

	from.writable = writable;
	if (server->service) {
		from.open = service_open;
		from.userdata = server->service;
	}
	journal_from.writable = from.writable;
	journal_from.open = from.open;
	journal_from.userdata = from.userdata;
	fs_opts.writable = writable;
	fs_opts.may_read_only = opts->access == OPTIONS_ACCESS_ANY;
	fs_opts.mounted_on = server->mountpoint;
	fs_opts.interrupted = session_interrupted;
	fs_opts.find_key = server->keyfinder ? keyfinder_find : NULL;
	fs_opts.find_key_arg = server->keyfinder;
	fs_opts.device = slash ? slash + 1 : opts->image;
	err = open_part(server, opts->image, &from, ret_protected, &blk);
	if (!err && opts->journal_path)
		err = open_part(server, opts->journal_path, &journal_from, ret_protected,
			&fs_opts.journal);
	if (err) {
		blk_close(blk);
		return err;
	}
	return fs_open(blk, &fs_opts, &server->log, &server->ops.fs);
}

/* As mount(8): for writing, and read-only where that is impossible, unless the user has chosen. */
static int open_as_possible(struct server *server, const struct options *opts, bool *ret_writable)
{
	const char *protected = NULL;
	int err = check_journal_path(server, opts);

	if (err)
		return err;
	*ret_writable = opts->access != OPTIONS_ACCESS_RO;
	err = open_image(server, opts, *ret_writable, &protected);
	if (err != -EROFS)
		return err;
	if (opts->access == OPTIONS_ACCESS_RW && protected)
		log_error(&server->log, "%s: is write-protected, but -o rw was given", protected);
	if (opts->access == OPTIONS_ACCESS_RW)
		return err;
	*ret_writable = false;
	err = open_image(server, opts, false, &protected);
	if (!err && protected)
		log_warn(&server->log, "%s: is write-protected, mounted read-only", protected);
	return err;
}

/*
 * An image says itself which key it wants. Whoever makes us mount one could have it decrypted by a key that is in our
 * keyrings for another: so by default only where nobody else sees what comes of it.
 */
static bool uses_keyring(const struct options *opts)
{
	if (opts->keyring != OPTIONS_KEYRING_AUTO)
		return opts->keyring == OPTIONS_KEYRING_ON;
	return geteuid() != 0 && !opts->allow_other;
}

static int open_filesystem(struct server *server, const struct options *opts)
{
	bool writable;
	int err;

	/* before there are threads; keys that a caller names by their serials are read without a finder too */
	if (kernelkeys_reach_user())
		log_debug(&server->log, "no keys from the kernel's keyrings");
	err = uses_keyring(opts) ? keyfinder_new(&server->keyfinder) : 0;
	if (!err)
		err = open_as_possible(server, opts, &writable);
	if (!err && writable)
		err = nodes_new(&server->ops.nodes);
	if (!err) /* the kernel always knows the root, and is never told of it */
		err = nodes_add(server->ops.nodes, EXT2_ROOT_INO, 0);
	if (!err)
		err = iomap_new(server->ops.fs, server->ops.nodes, &server->log, &server->ops.iomap);
	if (err)
		return err;
	set_owner(server, opts);
	/* with ACLs the kernel checks all permissions, whether it was asked to or not */
	server->ops.no_acl = opts->noacl || opts->fakeroot ||
		(opts->no_default_opts && !opts->default_permissions);
	server->ops.no_rights = server->service != NULL;
	server->ops.list_trusted =
		server->service ? service_uid(server->service) == 0 : in_initial_user_namespace();
	/* of a helper it is absolute, and perhaps not to be seen from here */
	server->source = server->service ? NULL : realpath(opts->image, NULL);
	if (!server->source)
		server->source = strdup(opts->image);
	return server->source ? 0 : -ENOMEM;
}

/* The mount point is looked at first: libfuse's own message for a wrong one is two lines. */
static int find_mountpoint(struct server *server, const struct options *opts)
{
	struct stat st;
	int err = 0;

	if (server->service) {
		server->mountpoint = strdup(opts->mountpoint);
		return server->mountpoint ? 0 : -ENOMEM;
	}
	server->mountpoint = realpath(opts->mountpoint, NULL);
	if (!server->mountpoint || stat(server->mountpoint, &st))
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (err)
		log_error(&server->log, "%s: %s", opts->mountpoint, strerror(-err));
	return err;
}

/*
 * A caller may have closed stdin, stdout or stderr: then the image would get its number, and going
 * to the background would close the image.
 */
static int open_standard_fds(void)
{
	int fd = STDIN_FILENO;

	/* in a place without /dev/null they have to be there */
	while (fd <= STDERR_FILENO && fcntl(fd, F_GETFD) >= 0)
		fd++;
	if (fd > STDERR_FILENO)
		return 0;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* With a helper that mounts, or by libfuse. */
static int mount_session(struct server *server, const struct options *opts)
{
	CLEANUP(cleanup_free) char *list = NULL;
	CLEANUP(cleanup_free) char *options = NULL;
	struct service_mount what = {
		.type = "fuse." PROGRAM, .source = server->source, .mountpoint = server->mountpoint };
	char name[32];
	int err;

	if (!server->service)
		return session_mount(server->session, server->mountpoint);
	list = mount_opts(server, opts);
	if (!list)
		return -ENOMEM;
	err = mountflags_split(list, &what.flags, &options);
	if (err == -EINVAL)
		log_error(&server->log, "option %s: a mount helper does not take it", options);
	what.options = options;
	if (!err)
		err = service_mount(server->service, &what);
	if (err)
		return err;
	snprintf(name, sizeof(name), "/dev/fd/%d", service_take_fuse_fd(server->service));
	return session_mount(server->session, name);
}

/* Whether the kernel would move the bytes of files, it says before the image is opened: it wants a device then. */
static int ask_iomap(struct server *server, const struct options *opts)
{
	int err;

	if (!server->service || opts->iomap == SESSION_IOMAP_OFF)
		return 0;
	err = service_ask_iomap(server->service);
	if (err)
		log_error(&server->log, "the mount helper does not answer: %s", strerror(-err));
	else if (iomap_device_wanted(service_fuse_fd(server->service)))
		service_want_devices(server->service);
	return err;
}

static int bring_up(struct server *server, const struct options *opts)
{
	int err = find_mountpoint(server, opts);

	/* before the filesystem has threads, which would take a signal and end the server */
	if (opts->access != OPTIONS_ACCESS_RO)
		block_signals();
	if (!err)
		err = ask_iomap(server, opts);
	if (!err)
		err = open_filesystem(server, opts);
	if (!err)
		err = make_session(server, opts);
	if (err)
		return err;
	/* until here a signal may end a reader as ever: nothing is mounted */
	block_signals();
	err = mount_session(server, opts);
	if (!err)
		err = session_start(server->session);
	return err;
}

/* To the end of the mount, or of the attempt. */
static int serve(struct server *server, const struct options *opts)
{
	struct daemon daemon;
	int err, sig;

	err = daemon_start(&daemon, opts->foreground, image_given_fd(opts->image));
	if (err) {
		log_error(&server->log, "cannot start: %s", strerror(-err));
		return EXIT_SYSTEM;
	}
	err = bring_up(server, opts);
	if (err == -ENOMEM)
		log_error(&server->log, "out of memory");
	if (server->service)
		service_end(server->service, err);
	if (err) {
		server_fini(server);
		return err == -ENOMEM ? EXIT_SYSTEM : EXIT_MOUNT;
	}
	if (!opts->foreground)
		log_to_syslog(&server->log);
	daemon_ready(&daemon);
	sig = session_wait(server->session);
	if (sig && server->service)
		log_warn(&server->log, "signal %d: the server ends, %s has to be unmounted", sig, server->mountpoint);
	else if (sig)
		log_debug(&server->log, "signal %d: unmounting", sig);
	daemon_stopping();
	return server_fini(server) ? EXIT_MOUNT : EXIT_OK;
}

static int serve_options(const struct options *opts)
{
	struct server server = { 0 };

	log_init(&server.log, PROGRAM, opts->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	return serve(&server, opts);
}

/* What a mount helper asks for, without any rights of our own. */
static int serve_helper(void)
{
	struct server server = { 0 };
	struct options opts;
	int err, argc, code = EXIT_USAGE;
	char **argv;

	log_init(&server.log, PROGRAM, LOG_LEVEL_INFO);
	err = service_drop_rights();
	if (err) {
		log_error(&server.log, "cannot give up privileges: %s", strerror(-err));
		return EXIT_SYSTEM;
	}
	if (service_new(&server.log, &server.service))
		return EXIT_MOUNT;
	argv = service_argv(server.service, &argc);
	err = options_parse_service(argc, argv, &opts);
	if (err) {
		service_end(server.service, err);
		service_free(server.service);
	} else {
		server.log.max = opts.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
		code = serve(&server, &opts);
	}
	options_fini(&opts);
	return code;
}

int main(int argc, char **argv)
{
	struct options opts;
	struct log log;
	int code = EXIT_USAGE;

	if (open_standard_fds())
		return EXIT_SYSTEM;
	if (options_parse(argc, argv, &opts) == 0) {
		switch (opts.action) {
		case OPTIONS_HELP:
			options_print_help(stdout);
			code = EXIT_OK;
			break;
		case OPTIONS_VERSION:
			puts(PROGRAM " " PACKAGE_VERSION);
			code = EXIT_OK;
			break;
		case OPTIONS_CHECK:
			code = EXIT_OK;
			break;
		case OPTIONS_REMOUNT:
			log_init(&log, PROGRAM, LOG_LEVEL_INFO);
			code = remount(opts.mountpoint, opts.copy, &log) ? EXIT_MOUNT : EXIT_OK;
			break;
		case OPTIONS_UNMOUNT:
			log_init(&log, PROGRAM, LOG_LEVEL_INFO);
			code = unmount_and_wait(opts.mountpoint, opts.unmount, &log) ? EXIT_MOUNT : EXIT_OK;
			break;
		case OPTIONS_SERVICE:
			code = serve_helper();
			break;
		case OPTIONS_MOUNT:
			code = serve_options(&opts);
			break;
		}
	}
	options_fini(&opts);
	return code;
}
