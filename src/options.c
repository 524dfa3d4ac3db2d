// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "format/dquot.h"
#include "util/log.h"
#include "util/parse.h"

#define COMMIT_MAX 3600 /* seconds */

PRINTF_LIKE(1, 2) static int usage(const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	/* of a service it is the log, and what is wrong may be a stranger's */
	if (line)
		log_make_printable(line);
	dprintf(STDERR_FILENO, "ext4d: %s\n", line ? line : "out of memory");
	return -EINVAL;
}

/* ---- what libfuse gets ---- */

char *options_escape(const char *value)
{
	char *out = malloc(2 * strlen(value) + 1), *at = out;

	if (!out)
		return NULL;
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			*at++ = '\\';
		*at++ = *value;
	}
	*at = '\0';
	return out;
}

/* Appends "name" or "name=value" to what libfuse gets. */
static int pass_on(struct options *opts, const char *name, const char *value)
{
	CLEANUP(cleanup_free) char *escaped = value ? options_escape(value) : NULL;
	const char *have = opts->fuse_opts ? opts->fuse_opts : "";
	char *joined;

	if ((value && !escaped) || asprintf(&joined, "%s%s%s%s%s", have, have[0] ? "," : "", name,
					   value ? "=" : "", value ? escaped : "") < 0)
		return -ENOMEM;
	free(opts->fuse_opts);
	opts->fuse_opts = joined;
	if (!strcmp(name, "default_permissions"))
		opts->default_permissions = true;
	if (!strcmp(name, "allow_other"))
		opts->allow_other = true;
	return 0;
}

/* ---- what an option does; value is NULL where none was given ---- */

static int set_ro(struct options *opts, const char *value)
{
	(void)value;
	opts->access = OPTIONS_ACCESS_RO;
	return 0;
}

/* mount(8) says rw to its helpers wherever nobody said ro: no more than a default. */
static int set_rw(struct options *opts, const char *value)
{
	(void)value;
	opts->access = opts->helper ? OPTIONS_ACCESS_ANY : OPTIONS_ACCESS_RW;
	return 0;
}

static int set_offset(struct options *opts, const char *value)
{
	opts->from.has_offset = true;
	if (parse_size(value, &opts->from.offset))
		return usage("option offset: \"%s\" is not a number of bytes, "
			     "with k, M, G, T or s (sectors) behind it if wanted", value);
	return 0;
}

static int set_partition(struct options *opts, const char *value)
{
	opts->from.partition = value;
	return 0;
}

static int set_journal_path(struct options *opts, const char *value)
{
	opts->journal_path = value;
	return 0;
}

static int set_norecovery(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.norecovery = true;
	return 0;
}

static int set_minixdf(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.minixdf = true;
	return 0;
}

static int set_bsddf(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.minixdf = false;
	return 0;
}

static int set_cache(struct options *opts, const char *value)
{
	uint64_t bytes;

	if (parse_size(value, &bytes) || bytes < 1 << 20 || bytes > SIZE_MAX)
		return usage("option cache: \"%s\" is not a size of at least 1M", value);
	opts->fs.cache_bytes = (size_t)bytes;
	return 0;
}

static int set_fakeroot(struct options *opts, const char *value)
{
	(void)value;
	opts->fakeroot = true;
	return 0;
}

static int set_uid(struct options *opts, const char *value)
{
	uint64_t id;

	if (parse_number(value, UINT32_MAX - 1, &id))
		return usage("option uid: \"%s\" is not a user's number", value);
	opts->owner.set_uid = true;
	opts->owner.uid = (uint32_t)id;
	return 0;
}

static int set_gid(struct options *opts, const char *value)
{
	uint64_t id;

	if (parse_number(value, UINT32_MAX - 1, &id))
		return usage("option gid: \"%s\" is not a group's number", value);
	opts->owner.set_gid = true;
	opts->owner.gid = (uint32_t)id;
	return 0;
}

/* Which of the nr names value is; NULL is none. -1: none is. */
static int find_name(const char *value, const char *const names[], int nr)
{
	for (int i = 0; i < nr; i++)
		if (names[i] && !strcmp(value, names[i]))
			return i;
	return -1;
}

static int set_errors(struct options *opts, const char *value)
{
	static const char *const names[] = {
		[FS_ERRORS_CONTINUE] = "continue",
		[FS_ERRORS_RO] = "remount-ro",
		[FS_ERRORS_PANIC] = "panic",
	};
	int i = find_name(value, names, FS_ERRORS_PANIC + 1);

	if (i < 0)
		return usage("option errors: \"%s\" is not continue, remount-ro or panic", value);
	opts->fs.errors = (enum fs_errors)i;
	return 0;
}

static int set_io_uring(struct options *opts, const char *value)
{
	static const char *const names[] = {
		[SESSION_URING_AUTO] = "auto",
		[SESSION_URING_OFF] = "off",
		[SESSION_URING_ON] = "on",
	};
	int i = find_name(value, names, SESSION_URING_ON + 1);

	if (i < 0)
		return usage("option io_uring: \"%s\" is not auto, on or off", value);
	opts->uring = (enum session_uring)i;
	return 0;
}

static int set_iomap(struct options *opts, const char *value)
{
	static const char *const names[] = {
		[SESSION_IOMAP_AUTO] = "auto",
		[SESSION_IOMAP_OFF] = "off",
		[SESSION_IOMAP_ON] = "on",
	};
	int i = find_name(value, names, SESSION_IOMAP_ON + 1);

	if (i < 0)
		return usage("option iomap: \"%s\" is not auto, on or off", value);
	opts->iomap = (enum session_iomap)i;
	return 0;
}

static int set_keyring(struct options *opts, const char *value)
{
	static const char *const names[] = {
		[OPTIONS_KEYRING_AUTO] = "auto",
		[OPTIONS_KEYRING_OFF] = "off",
		[OPTIONS_KEYRING_ON] = "on",
	};
	int i = find_name(value, names, OPTIONS_KEYRING_ON + 1);

	if (i < 0)
		return usage("option keyring: \"%s\" is not auto, on or off", value);
	opts->keyring = (enum options_keyring)i;
	return 0;
}

static int set_commit(struct options *opts, const char *value)
{
	uint64_t seconds;

	/* 0 stands for the default, as the kernel has it */
	if (parse_number(value, COMMIT_MAX, &seconds))
		return usage("option commit: \"%s\" is not a number of seconds", value);
	opts->fs.commit_interval = (unsigned)seconds;
	return 0;
}

static int set_discard(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.discard = true;
	return 0;
}

static int set_nodiscard(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.discard = false;
	return 0;
}

/* The kernel's fsync(2) after each write(2) is part of it. */
static int set_sync(struct options *opts, const char *value)
{
	opts->fs.sync = true;
	return pass_on(opts, "sync", value);
}

static int set_async(struct options *opts, const char *value)
{
	opts->fs.sync = false;
	return pass_on(opts, "async", value);
}

static int set_dirsync(struct options *opts, const char *value)
{
	opts->fs.dirsync = true;
	return pass_on(opts, "dirsync", value);
}

/*
 * Access times are ours to keep: the client asks for none (S_NOATIME). As the kernel reads the options
 * of mount(8), strictatime outweighs noatime, and relatime is the rest.
 */
static int set_atime(struct options *opts, const char *value)
{
	opts->noatime = false;
	return pass_on(opts, "atime", value);
}

static int set_noatime(struct options *opts, const char *value)
{
	opts->noatime = true;
	return pass_on(opts, "noatime", value);
}

static int set_strictatime(struct options *opts, const char *value)
{
	(void)value;
	opts->strictatime = true;
	return 0;
}

static int set_nostrictatime(struct options *opts, const char *value)
{
	(void)value;
	opts->strictatime = false;
	return 0;
}

static int set_relatime(struct options *opts, const char *value)
{
	(void)value;
	opts->noatime = opts->strictatime = false;
	return 0;
}

static int set_diratime(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.nodiratime = false;
	return 0;
}

static int set_nodiratime(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.nodiratime = true;
	return 0;
}

static int set_lazytime(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.lazytime = true;
	return 0;
}

static int set_nolazytime(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.lazytime = false;
	return 0;
}

/* Enforcing limits; what is used is counted in any case. "quota" is usrquota, as in the kernel. */
static int set_usrquota(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.quota_limits |= 1u << DQUOT_USER;
	return 0;
}

static int set_grpquota(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.quota_limits |= 1u << DQUOT_GROUP;
	return 0;
}

static int set_prjquota(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.quota_limits |= 1u << DQUOT_PROJECT;
	return 0;
}

static int set_noquota(struct options *opts, const char *value)
{
	(void)value;
	opts->fs.quota_limits = 0;
	return 0;
}

static int refuse_quota_file(struct options *opts, const char *value)
{
	(void)opts;
	(void)value;
	return usage("options usrjquota, grpjquota and jqfmt: visible quota files are not "
		     "supported, only those of the quota feature (tune2fs -O quota)");
}

static int refuse_remount(struct options *opts, const char *value)
{
	(void)opts;
	(void)value;
	return usage("option remount: is mount(8)'s: mount -o remount,... MOUNTPOINT");
}

static int set_acl(struct options *opts, const char *value)
{
	(void)value;
	opts->noacl = false;
	return 0;
}

static int set_noacl(struct options *opts, const char *value)
{
	(void)value;
	opts->noacl = true;
	return 0;
}

static int set_no_default_opts(struct options *opts, const char *value)
{
	(void)value;
	opts->no_default_opts = true;
	return 0;
}

static int set_debug(struct options *opts, const char *value)
{
	(void)value;
	opts->debug = opts->foreground = true;
	return 0;
}

static int ignore(struct options *opts, const char *value)
{
	(void)opts;
	(void)value;
	return 0;
}

/* ---- the table ---- */

enum value { VALUE_NONE, VALUE_NEEDED, VALUE_MAYBE };

struct option_spec {
	const char *name; /* a '*' at the end stands for anything */
	enum value value;
	int (*set)(struct options *opts, const char *value); /* NULL: libfuse's, passed on */
};

static const struct option_spec specs[] = {
	/* ext4d, fuse2fs, the kernel's ext4 */
	{ "offset", VALUE_NEEDED, set_offset },
	{ "partition", VALUE_NEEDED, set_partition },
	{ "journal_path", VALUE_NEEDED, set_journal_path },
	{ "norecovery", VALUE_NONE, set_norecovery },
	{ "noload", VALUE_NONE, set_norecovery },
	{ "fakeroot", VALUE_NONE, set_fakeroot },
	{ "uid", VALUE_NEEDED, set_uid },
	{ "gid", VALUE_NEEDED, set_gid },
	{ "minixdf", VALUE_NONE, set_minixdf },
	{ "bsddf", VALUE_NONE, set_bsddf },
	{ "cache", VALUE_NEEDED, set_cache },
	{ "errors", VALUE_NEEDED, set_errors },
	{ "commit", VALUE_NEEDED, set_commit },
	{ "io_uring", VALUE_NEEDED, set_io_uring },
	{ "iomap", VALUE_NEEDED, set_iomap },
	{ "keyring", VALUE_NEEDED, set_keyring },
	{ "discard", VALUE_NONE, set_discard },
	{ "nodiscard", VALUE_NONE, set_nodiscard },
	{ "quota", VALUE_NONE, set_usrquota },
	{ "usrquota", VALUE_NONE, set_usrquota },
	{ "grpquota", VALUE_NONE, set_grpquota },
	{ "prjquota", VALUE_NONE, set_prjquota },
	{ "noquota", VALUE_NONE, set_noquota },
	{ "usrjquota", VALUE_MAYBE, refuse_quota_file },
	{ "grpjquota", VALUE_MAYBE, refuse_quota_file },
	{ "jqfmt", VALUE_MAYBE, refuse_quota_file },
	{ "acl", VALUE_NONE, set_acl },
	{ "noacl", VALUE_NONE, set_noacl },
	{ "user_xattr", VALUE_NONE, ignore },
	{ "no_default_opts", VALUE_NONE, set_no_default_opts },
	{ "debug", VALUE_NONE, set_debug },
	/* mount(8) */
	{ "ro", VALUE_NONE, set_ro },
	{ "rw", VALUE_NONE, set_rw },
	{ "defaults", VALUE_NONE, ignore },
	{ "auto", VALUE_NONE, ignore },
	{ "noauto", VALUE_NONE, ignore },
	{ "remount", VALUE_NONE, refuse_remount },
	{ "user", VALUE_MAYBE, ignore },
	{ "users", VALUE_NONE, ignore },
	{ "nouser", VALUE_NONE, ignore },
	{ "nousers", VALUE_NONE, ignore },
	{ "owner", VALUE_NONE, ignore },
	{ "noowner", VALUE_NONE, ignore },
	{ "group", VALUE_NONE, ignore },
	{ "nogroup", VALUE_NONE, ignore },
	{ "nofail", VALUE_NONE, ignore },
	{ "silent", VALUE_NONE, ignore },
	{ "loud", VALUE_NONE, ignore },
	{ "helper", VALUE_NEEDED, ignore },
	{ "uhelper", VALUE_NEEDED, ignore },
	{ "_netdev", VALUE_NONE, ignore },
	{ "comment", VALUE_NEEDED, ignore },
	{ "x-*", VALUE_MAYBE, ignore },
	{ "X-*", VALUE_MAYBE, ignore },
	{ "relatime", VALUE_NONE, set_relatime },
	{ "norelatime", VALUE_NONE, ignore }, /* relatime is the default all the same */
	{ "strictatime", VALUE_NONE, set_strictatime },
	{ "nostrictatime", VALUE_NONE, set_nostrictatime },
	{ "lazytime", VALUE_NONE, set_lazytime },
	{ "nolazytime", VALUE_NONE, set_nolazytime },
	{ "diratime", VALUE_NONE, set_diratime },
	{ "suid", VALUE_NONE, NULL },
	{ "nosuid", VALUE_NONE, NULL },
	{ "dev", VALUE_NONE, NULL },
	{ "nodev", VALUE_NONE, NULL },
	{ "exec", VALUE_NONE, NULL },
	{ "noexec", VALUE_NONE, NULL },
	{ "atime", VALUE_NONE, set_atime },
	{ "noatime", VALUE_NONE, set_noatime },
	{ "nodiratime", VALUE_NONE, set_nodiratime },
	{ "sync", VALUE_NONE, set_sync },
	{ "async", VALUE_NONE, set_async },
	{ "dirsync", VALUE_NONE, set_dirsync },
	/* libfuse */
	{ "allow_other", VALUE_NONE, NULL },
	{ "allow_root", VALUE_NONE, NULL },
	{ "auto_unmount", VALUE_NONE, NULL },
	{ "default_permissions", VALUE_NONE, NULL },
	{ "fsname", VALUE_NEEDED, NULL },
	{ "subtype", VALUE_NEEDED, NULL },
	{ "max_read", VALUE_NEEDED, NULL },
	{ "context", VALUE_NEEDED, NULL },
	{ "fscontext", VALUE_NEEDED, NULL },
	{ "defcontext", VALUE_NEEDED, NULL },
	{ "rootcontext", VALUE_NEEDED, NULL },
};

static bool spec_names(const struct option_spec *spec, const char *name)
{
	size_t len = strlen(spec->name);

	if (spec->name[len - 1] == '*')
		return !strncmp(spec->name, name, len - 1);
	return !strcmp(spec->name, name);
}

static const struct option_spec *find_spec(const char *name)
{
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		if (spec_names(&specs[i], name))
			return &specs[i];
	return NULL;
}

static int apply(struct options *opts, char *option)
{
	char *value = strchr(option, '=');
	const struct option_spec *spec;

	if (value)
		*value++ = '\0';
	spec = find_spec(option);
	if (!spec && opts->sloppy)
		return 0;
	if (!spec)
		return usage("unknown option \"%s\" (see ext4d --help)", option);
	if (spec->value == VALUE_NEEDED && (!value || !value[0]))
		return usage("option %s needs a value: %s=...", option, option);
	if (spec->value == VALUE_NONE && value)
		return usage("option %s takes no value", option);
	return spec->set ? spec->set(opts, value) : pass_on(opts, option, value);
}

static int apply_list(struct options *opts, const char *list)
{
	char *rest, *option;
	int err = 0;

	opts->copy = rest = strdup(list);
	if (!rest)
		return -ENOMEM;
	while (!err && (option = parse_option(&rest)))
		if (option[0])
			err = apply(opts, option);
	return err;
}

/* What is to happen to a mount that there is, asks for options of its own. */
static int is_remount(const char *lists, bool *ret)
{
	CLEANUP(cleanup_free) char *copy = strdup(lists);
	char *rest = copy, *option;

	*ret = false;
	if (!copy)
		return -ENOMEM;
	while ((option = parse_option(&rest)))
		*ret |= !strcmp(option, "remount");
	return 0;
}

/* All -o lists as one: their strings then live in one copy. */
static int append_list(char **lists, const char *more)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", *lists ? *lists : "", *lists ? "," : "", more) < 0)
		return -ENOMEM;
	free(*lists);
	*lists = joined;
	return 0;
}

static int parse_positional(int argc, char **argv, struct options *opts)
{
	int nr = argc - optind;

	if (opts->action == OPTIONS_UNMOUNT) {
		if (nr != 1)
			return usage("usage: ext4d --unmount MOUNTPOINT");
		opts->mountpoint = argv[optind];
		return 0;
	}
	if (opts->action == OPTIONS_SERVICE)
		return nr == 0 ? 0 : usage("usage: ext4d --service");
	if (nr != 2)
		return usage("usage: ext4d IMAGE MOUNTPOINT [-o OPTIONS] [-f] [-d] "
			     "(see ext4d --help)");
	if (opts->strictatime)
		opts->fs.atime = FS_ATIME_STRICT;
	else if (opts->noatime)
		opts->fs.atime = FS_ATIME_NONE;
	opts->image = argv[optind];
	opts->mountpoint = argv[optind + 1];
	if (opts->from.has_offset && opts->from.partition)
		return usage("options offset and partition exclude each other");
	if (opts->access == OPTIONS_ACCESS_RW && opts->fs.norecovery)
		return usage("options rw and norecovery exclude each other");
	/* what the journal holds must not be written over */
	if (opts->fs.norecovery)
		opts->access = OPTIONS_ACCESS_RO;
	return 0;
}

/* ---- by whom we are called ---- */

/*
 * A user, or mount(8) or umount(8), which look for /sbin/mount.TYPE and /sbin/umount.TYPE and have flags of
 * their own for them.
 */
struct caller {
	const char *prefix; /* of the name we are called by */
	const char *flags;  /* getopt(3)'s */
	int (*flag)(struct options *opts, int c);
};

static int user_flag(struct options *opts, int c)
{
	switch (c) {
	case 'f':
		opts->foreground = true;
		break;
	case 'd':
		return set_debug(opts, NULL);
	case 'h':
		opts->action = OPTIONS_HELP;
		break;
	case 'V':
		opts->action = OPTIONS_VERSION;
		break;
	case 'u':
		opts->action = OPTIONS_UNMOUNT;
		break;
	case 'S':
		opts->action = OPTIONS_SERVICE;
		break;
	}
	return 0;
}

/* Without effect are -n (no mtab), -v (verbose), -r (read-only if it cannot be unmounted) and -t TYPE. */
static int helper_flag(struct options *opts, int c)
{
	const bool unmounting = opts->action == OPTIONS_UNMOUNT;

	if (c == 'N')
		return usage("-N: other mount namespaces are not supported, see nsenter(1)");
	if (c == 'f' && unmounting)
		opts->unmount.force = true;
	else if (c == 'f')
		opts->action = OPTIONS_CHECK;
	else if (c == 'l')
		opts->unmount.lazy = true;
	else if (c == 's')
		opts->sloppy = true;
	return 0;
}

static const struct caller callers[] = {
	{ "mount.", ":fnsvN:o:t:", helper_flag },
	{ "umount.", ":flnrvN:t:", helper_flag },
	{ "", ":fdhVo:u", user_flag },
};

static const struct caller *find_caller(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0 ? argv0 : "";
	const struct caller *caller = callers;

	while (strncmp(name, caller->prefix, strlen(caller->prefix)))
		caller++;
	return caller;
}

static int parse(int argc, char **argv, const struct caller *caller, struct options *ret)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "unmount", no_argument, NULL, 'u' },
		{ "service", no_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	CLEANUP(cleanup_free) char *lists = NULL;
	bool remounting = false;
	int c, err = 0;

	memset(ret, 0, sizeof(*ret));
	ret->helper = caller->flag == helper_flag;
	ret->unmount.hasty = ret->helper;
	if (caller->prefix[0] == 'u')
		ret->action = OPTIONS_UNMOUNT;
	opterr = 0;
	optind = 0; /* from the start, also the second time */
	while (!err && (c = getopt_long(argc, argv, caller->flags, longs, NULL)) != -1) {
		if (c == 'o')
			err = append_list(&lists, optarg);
		else if (c == ':')
			err = usage("-%c needs a value", optopt);
		else if (c == '?' && optopt)
			err = usage("unknown option -%c (see ext4d --help)", optopt);
		else if (c == '?')
			err = usage("unknown option %s (see ext4d --help)", argv[optind - 1]);
		else
			err = caller->flag(ret, c);
	}
	if (!err && lists && ret->helper)
		err = is_remount(lists, &remounting);
	if (!err && remounting) {
		ret->action = OPTIONS_REMOUNT;
		ret->copy = STEAL(lists);
	} else if (!err && lists) {
		err = apply_list(ret, lists);
	}
	if (err == -ENOMEM)
		usage("out of memory");
	if (err || ret->action == OPTIONS_HELP || ret->action == OPTIONS_VERSION)
		return err;
	return parse_positional(argc, argv, ret);
}

int options_parse(int argc, char **argv, struct options *ret)
{
	return parse(argc, argv, find_caller(argv[0]), ret);
}

int options_parse_service(int argc, char **argv, struct options *ret)
{
	int err = parse(argc, argv, &callers[0], ret);

	if (!err && ret->action != OPTIONS_MOUNT)
		return usage("a mount helper can ask for a mount alone");
	/* the keyrings that we reach are not those of who mounts */
	if (!err && ret->keyring == OPTIONS_KEYRING_ON)
		return usage("keyring=on: not for a mount helper");
	ret->keyring = OPTIONS_KEYRING_OFF;
	ret->foreground = true;
	return err;
}

void options_fini(struct options *opts)
{
	free(opts->fuse_opts);
	free(opts->copy);
}

void options_print_help(FILE *out)
{
	fputs("usage: ext4d IMAGE MOUNTPOINT [-o OPTIONS] [-f] [-d]\n"
	      "       ext4d --unmount MOUNTPOINT\n"
	      "       ext4d --service\n"
	      "\n"
	      "Mounts an ext2, ext3 or ext4 image through FUSE.\n"
	      "IMAGE is a file or block device, a filesystem or a disk with partitions.\n"
	      "\n"
	      "  -f               stay in the foreground, log to stderr\n"
	      "  -d               the same, with debug messages\n"
	      "  -u, --unmount    unmount; returns when the image is released\n"
	      "  --service        serve what a mount helper asks for, without privilege\n"
	      "  -h, --help       this text\n"
	      "  -V, --version    the version\n"
	      "\n"
	      "OPTIONS, separated by commas:\n"
	      "  ro                    mount read-only: nothing is written\n"
	      "  rw                    mount for writing, or not at all; by default what\n"
	      "                        cannot be written is mounted read-only\n"
	      "  offset=BYTES          where the filesystem begins; k, M, G, T or s (sectors)\n"
	      "  partition=N|LABEL|UUID  which partition of a disk image\n"
	      "  norecovery, noload    do not replay the journal; read-only\n"
	      "  journal_path=FILE     the external journal, a file or block device\n"
	      "  fakeroot              show all files as the caller's and let them be read\n"
	      "  uid=N, gid=N          show all files as this user's, this group's\n"
	      "  minixdf, bsddf        statfs counts all blocks, or those for files (default)\n"
	      "  noacl                 do not enforce ACLs\n"
	      "  cache=SIZE            memory for metadata, 128M by default\n"
	      "  io_uring=HOW          requests by io_uring: on, off, or auto (default)\n"
	      "  iomap=HOW             file data by the kernel: on, off, or auto (default)\n"
	      "  keyring=HOW           keys from the kernel's keyrings: on, off; auto: on a\n"
	      "                        user's own mount (default)\n"
	      "  no_default_opts       no allow_other,default_permissions,... of our choice\n"
	      "  errors=WHAT           after damage: continue, remount-ro or panic (exit)\n"
	      "  commit=SECONDS        how often changes become durable unasked, 5 by default\n"
	      "  sync, dirsync         changes, or those of directories, become durable at once\n"
	      "  relatime, strictatime, noatime, nodiratime, lazytime  as mount(8) has them\n"
	      "  usrquota, grpquota, prjquota, noquota  which quota limits are enforced\n"
	      "  discard, nodiscard    tell the storage what is freed, or not (default)\n"
	      "  allow_other, ...      libfuse's and mount(8)'s options, see ext4d(1)\n"
	      "\n"
	      "Exit codes: 0 success, 1 wrong usage, 2 system error, 32 not mounted.\n",
		out);
}
