// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The caller waits for our reply, so the thread is there. */
static FILE *open_status(const struct caller *caller)
{
	char path[64];

	if (!caller->tid)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%u/status", caller->tid);
	return fopen(path, "re");
}

/* Goes to what follows the word, which is a line's first. */
static bool find_field(FILE *file, const char *field)
{
	char word[32];

	while (fscanf(file, "%31s", word) == 1)
		if (strcmp(word, field) == 0)
			return true;
	return false;
}

bool caller_in_group(const struct caller *caller, uint32_t gid)
{
	unsigned long group;
	bool found = false;
	FILE *file;

	if (gid == caller->gid)
		return true;
	file = open_status(caller);
	if (!file)
		return false;
	if (find_field(file, "Groups:"))
		while (!found && fscanf(file, "%lu", &group) == 1)
			found = group == gid;
	fclose(file);
	return found;
}

/* Capabilities in another user namespace say nothing about this one's files. */
static bool same_namespace(const struct caller *caller)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/ns/user", caller->tid);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) &&
		ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

bool caller_capable(const struct caller *caller, unsigned capability)
{
	FILE *file = open_status(caller);
	uint64_t effective;
	bool known;

	if (!file)
		return !caller->uid;
	known = find_field(file, "CapEff:") && fscanf(file, "%" SCNx64, &effective) == 1;
	fclose(file);
	if (!known)
		return !caller->uid;
	return effective >> capability & 1 && same_namespace(caller);
}
