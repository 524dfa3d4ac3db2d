// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Whole pages: locks of pages do not nest. */
static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return size > SIZE_MAX - page ? 0 : (size + page - 1) / page * page;
}

void *secret_new(size_t size, bool *ret_locked)
{
	size_t len = whole_pages(size);
	void *secret;
	bool locked;

	if (!len)
		return NULL;
	secret = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (secret == MAP_FAILED)
		return NULL;
	locked = mlock(secret, len) == 0;
	(void)madvise(secret, len, MADV_DONTDUMP);
	(void)madvise(secret, len, MADV_DONTFORK);
	if (ret_locked)
		*ret_locked = locked;
	return secret;
}

void secret_free(void *secret, size_t size)
{
	size_t len = whole_pages(size);

	if (!secret)
		return;
	explicit_bzero(secret, len);
	munmap(secret, len);
}

int secret_guard_process(void)
{
	return prctl(PR_SET_DUMPABLE, 0) ? -errno : 0;
}
