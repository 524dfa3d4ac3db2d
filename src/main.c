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
#include "fuse/keyfinder.h"
#include "fuse/nodes.h"
#include "fuse/ops.h"
#include "options.h"
#include "remount.h"
#include "unmount.h"
#include "util/kernelkeys.h"

#define PROGRAM "ext4d"

/* Everything a mounted server consists of, lowest first. */
struct server {
	struct log log;
	struct ops_context ops;
	struct keyfinder *keyfinder; /* NULL: the keyrings are not looked at */
	struct session *session;
	char *source;	  /* owned: the image's absolute name, for mountinfo */
	char *mountpoint; /* owned: absolute, the working directory will change */
};

/* Returns what kept something from being written. */
static int server_fini(struct server *server)
{
	int err;

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

static void set_owner(const struct options *opts, struct reply_owner *owner)
{
	*owner = opts->owner;
	if (!opts->fakeroot)
		return;
	if (!owner->set_uid)
		owner->uid = geteuid();
	if (!owner->set_gid)
		owner->gid = getegid();
	owner->set_uid = owner->set_gid = true;
}

/*
 * What fuse2fs chooses too: a root mount is for everyone, with the kernel checking permissions; a
 * user's own mount is theirs. fakeroot means that permissions do not count.
 */
static const char *default_opts(const struct options *opts)
{
	if (opts->no_default_opts)
		return "";
	if (opts->fakeroot)
		return ",nosuid,nodev";
	if (geteuid() == 0)
		return ",allow_other,default_permissions,suid,dev";
	return ",default_permissions";
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
		.log = &server->log,
	};
	CLEANUP(cleanup_free) char *source = options_escape(server->source);
	CLEANUP(cleanup_free) char *list = NULL;
	const char *more = opts->fuse_opts ? opts->fuse_opts : "";
	char *argv[] = { (char *)PROGRAM, (char *)"-o", NULL, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	int err;

	if (!source || asprintf(&list, "%s,fsname=%s,subtype=" PROGRAM "%s%s%s",
			       writable ? "rw" : "ro", source, default_opts(opts),
			       more[0] ? "," : "", more) < 0)
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

	if (!opts->journal_path || stat(opts->image, &image) ||
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
	const struct image_options journal_from = { .has_offset = true, .writable = writable };
	struct image_options from = opts->from;
	struct fs_options fs_opts = opts->fs;
	const char *slash = strrchr(opts->image, '/');
	struct blk *blk = NULL;
	int err;

	from.writable = writable;
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
	set_owner(opts, &server->ops.owner);
	/* with ACLs the kernel checks all permissions, whether it was asked to or not */
	server->ops.no_acl = opts->noacl || opts->fakeroot ||
		(opts->no_default_opts && !opts->default_permissions);
	server->ops.list_trusted = in_initial_user_namespace();
	server->source = realpath(opts->image, NULL);
	if (!server->source)
		server->source = strdup(opts->image);
	return server->source ? 0 : -ENOMEM;
}

/* The mount point is looked at first: libfuse's own message for a wrong one is two lines. */
static int find_mountpoint(struct server *server, const struct options *opts)
{
	struct stat st;
	int err = 0;

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
	int fd;

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

static int bring_up(struct server *server, const struct options *opts)
{
	int err = find_mountpoint(server, opts);

	/* before the filesystem has threads, which would take a signal and end the server */
	if (opts->access != OPTIONS_ACCESS_RO)
		block_signals();
	if (!err)
		err = open_filesystem(server, opts);
	if (!err)
		err = make_session(server, opts);
	if (err)
		return err;
	/* until here a signal may end a reader as ever: nothing is mounted */
	block_signals();
	err = session_mount(server->session, server->mountpoint);
	if (!err)
		err = session_start(server->session);
	return err;
}

static int serve(const struct options *opts)
{
	struct server server = { 0 };
	struct daemon daemon;
	int err, sig;

	log_init(&server.log, PROGRAM, opts->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	err = daemon_start(&daemon, opts->foreground, image_given_fd(opts->image));
	if (err) {
		log_error(&server.log, "cannot start: %s", strerror(-err));
		return EXIT_SYSTEM;
	}
	err = bring_up(&server, opts);
	if (err) {
		if (err == -ENOMEM)
			log_error(&server.log, "out of memory");
		server_fini(&server);
		return err == -ENOMEM ? EXIT_SYSTEM : EXIT_MOUNT;
	}
	if (!opts->foreground)
		log_to_syslog(&server.log);
	daemon_ready(&daemon);
	sig = session_wait(server.session);
	if (sig)
		log_debug(&server.log, "signal %d: unmounting", sig);
	daemon_stopping();
	return server_fini(&server) ? EXIT_MOUNT : EXIT_OK;
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
		case OPTIONS_MOUNT:
			code = serve(&opts);
			break;
		}
	}
	options_fini(&opts);
	return code;
}
