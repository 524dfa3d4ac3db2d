/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server's side of the dialogue with a mount helper: the helper has the rights, opens what the server
 * asks for as its own caller may, and mounts. The server needs none, no files and no devices of its own.
 */
#ifndef EXT4D_SERVICE_SERVER_H
#define EXT4D_SERVICE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/log.h"

struct service;

/*
 * Takes the connection that the service manager has handed over (sd_listen_fds(3)), and from the helper the command
 * line and the connection to the kernel. -errno, said in one line. log stays while *ret does.
 */
int service_new(struct log *log, struct service **ret) MUST_CHECK;

/* Closes the dialogue if it is not: with an error. NULL is allowed. */
void service_free(struct service *service);

/* Of what mount(8) has got, the words; argv[0] is the filesystem's type. They live as long as service. */
char **service_argv(const struct service *service, int *ret_argc);

/* Whom the helper works for. */
uid_t service_uid(const struct service *service);
gid_t service_gid(const struct service *service);

/* Of /dev/fuse, about to be mounted; service's until it is taken. */
int service_fuse_fd(const struct service *service);
int service_take_fuse_fd(struct service *service);

/* Asks that the kernel be let move the bytes of files by itself. Whether it will, the connection says. */
int service_ask_iomap(struct service *service) MUST_CHECK;

/* Files are asked for as block devices: loop devices, if they have to be. */
void service_want_devices(struct service *service);

/*
 * open(2) by the helper; userdata is a struct service. Returns a descriptor or -errno. Block devices are opened for us
 * alone (O_EXCL).
 */
int service_open(void *userdata, const char *path, int flags) MUST_CHECK;

struct service_mount {
	const char *type, *source, *mountpoint;
	const char *options; /* for the kernel, comma-separated */
	unsigned long flags; /* mount(2)'s */
};

/* Has it mounted: INIT comes now. -errno, said in one line. */
int service_mount(struct service *service, const struct service_mount *what) MUST_CHECK;

/* Ends the dialogue: the mount may be used if err is 0, else it goes and the helper's caller is told. */
void service_end(struct service *service, int err);

/* Gives up what rights the process has, for good; nor has who has the same user any over the process. */
int service_drop_rights(void) MUST_CHECK;

#endif
