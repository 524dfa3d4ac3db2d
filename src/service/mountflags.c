// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "service/mountflags.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"

static const struct mountflag flags[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MS_NOSYMFOLLOW },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
};

const struct mountflag *mountflags_find(const char *option)
{
	size_t len = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strlen(flags[i].name) == len && !strncmp(flags[i].name, option, len))
			return &flags[i];
	return NULL;
}

/* What the kernel calls the option; NULL: it has none like it. */
static const char *kernel_option(const char *option)
{
	/* libfuse lets nobody but root and the owner through then */
	if (!strcmp(option, "allow_root"))
		return "allow_other";
	if (!strcmp(option, "allow_other") || !strcmp(option, "default_permissions") ||
		!strncmp(option, "max_read=", strlen("max_read=")))
		return option;
	return NULL;
}

int mountflags_split(const char *list, unsigned long *ret_flags, char **ret_options)
{
	CLEANUP(cleanup_free) char *copy = strdup(list);
	char *rest = copy, *option, *more;

	*ret_flags = 0;
	*ret_options = strdup("");
	while (copy && *ret_options && (option = parse_option(&rest))) {
		const struct mountflag *flag = mountflags_find(option);
		const char *name = kernel_option(option);

		if (flag)
			*ret_flags = (*ret_flags | flag->set) & ~flag->clear;
		if (flag || !option[0])
			continue;
		if (!name) {
			free(*ret_options);
			*ret_options = strdup(option);
			return *ret_options ? -EINVAL : -ENOMEM;
		}
		if (asprintf(&more, "%s%s%s", *ret_options, (*ret_options)[0] ? "," : "", name) < 0)
			more = NULL;
		free(*ret_options);
		*ret_options = more;
	}
	return copy && *ret_options ? 0 : -ENOMEM;
}
