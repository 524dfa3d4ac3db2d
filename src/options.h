/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. Option names are those of fuse2fs, mount(8) and libfuse. */
#ifndef EXT4D_OPTIONS_H
#define EXT4D_OPTIONS_H

#include <stdio.h>

#include "fs/fs.h"
#include "fuse/reply.h"
#include "fuse/session.h"
#include "image.h"
#include "unmount.h"

/* Exit codes, mount(8)'s. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,
	EXIT_SYSTEM = 2,
	EXIT_MOUNT = 32,
};

enum options_action {
	OPTIONS_MOUNT,
	OPTIONS_CHECK, /* what mounting would take; nothing is done */
	OPTIONS_REMOUNT,
	OPTIONS_UNMOUNT,
	OPTIONS_SERVICE, /* a mount helper says what to mount */
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

/* Whether the image is written to. */
enum options_access {
	OPTIONS_ACCESS_ANY, /* if that is possible, else read-only */
	OPTIONS_ACCESS_RO,
	OPTIONS_ACCESS_RW, /* or not mounted at all */
};

/* Whether keys are looked for in the kernel's keyrings. */
enum options_keyring {
	OPTIONS_KEYRING_AUTO, /* on a user's own mount */
	OPTIONS_KEYRING_OFF,
	OPTIONS_KEYRING_ON,
};

struct options {
	enum options_action action;
	enum options_access access;
	const char *image;	/* as given */
	const char *mountpoint; /* as given */
	struct unmount_how unmount;
	bool foreground, debug;
	bool helper; /* mount(8) or umount(8) has called */
	bool sloppy; /* unknown options are dropped */
	bool fakeroot;
	bool noatime, strictatime;
	bool noacl;
	bool no_default_opts;
	bool default_permissions, allow_other; /* asked for by name */
	const char *journal_path; /* NULL: no external journal is named */
	struct image_options from;
	struct fs_options fs;
	enum session_uring uring;
	enum session_iomap iomap;
	enum options_keyring keyring;
	struct reply_owner owner;
	char *fuse_opts; /* owned: comma-separated, for libfuse */
	char *copy;	 /* owned: what the strings above point into; of a remount, its options */
};

/*
 * Parses argv. Called as mount.TYPE or umount.TYPE it takes what mount(8) and umount(8) give to their helpers.
 * -EINVAL: said why in one line on stderr. The caller ends with options_fini() in
 * either case.
 */
int options_parse(int argc, char **argv, struct options *ret) MUST_CHECK;
/* The same of what a mount helper passes on, which mount(8) has given to it. */
int options_parse_service(int argc, char **argv, struct options *ret) MUST_CHECK;
void options_fini(struct options *opts);

/*
 * value as it may stand in a list of options for libfuse: a backslash before each comma and
 * backslash. The caller frees it; NULL: out of memory.
 */
char *options_escape(const char *value);

void options_print_help(FILE *out);

#endif
