// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"

/* The caller waits for our reply, so the thread is there. */
static FILE *open_status(const struct caller *caller)
{
	char path[64];

	if (!caller->tid)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%u/status", caller->tid);
	return fopen(path, "re");
}

/*
 * What follows the field's name, which ends with a colon, on its line; the caller frees it. NULL: not there.
 * Lines are taken whole: the first one holds the name of the process, which may be anything, but its newlines
 * are escaped.
 */
static char *read_field(const struct caller *caller, const char *field)
{
	FILE *file = open_status(caller);
	char *line = NULL, *value = NULL;
	size_t room = 0, len = strlen(field);

	while (file && !value && getline(&line, &room, file) > 0)
		if (strncmp(line, field, len) == 0)
			value = strdup(line + len);
	free(line);
	if (file)
		fclose(file);
	return value;
}

bool caller_in_group(const struct caller *caller, uint32_t gid)
{
	CLEANUP(cleanup_free) char *groups = NULL;
	unsigned long group;
	char *at, *end;

	if (gid == caller->gid)
		return true;
	groups = read_field(caller, "Groups:");
	for (at = groups; at; at = end) {
		group = strtoul(at, &end, 10);
		if (end == at)
			break;
		if (group == gid)
			return true;
	}
	return false;
}

/* Capabilities in another user namespace say nothing about this one's files. */
static bool same_namespace(const struct caller *caller)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/ns/user", caller->tid);
	if (stat("/proc/self/ns/user", &ours))
		return false;
	/* as where there is no /proc */
	if (stat(path, &theirs))
		return caller->hidden && !caller->uid;
	return ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

bool caller_capable(const struct caller *caller, unsigned capability)
{
	CLEANUP(cleanup_free) char *effective = read_field(caller, "CapEff:");

	if (!effective)
		return !caller->uid;
	return strtoull(effective, NULL, 16) >> capability & 1 && same_namespace(caller);
}
