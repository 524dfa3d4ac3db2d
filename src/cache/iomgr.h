/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The io_manager through which libext2fs reaches the image: read-only, on a metadata cache.
 */
#ifndef EXT4D_CACHE_IOMGR_H
#define EXT4D_CACHE_IOMGR_H

#include <ext2fs/ext2fs.h>

#include "cache/cache.h"

/* Bytes for a name that iomgr_name() fills. */
#define IOMGR_NAME_MAX 40

/*
 * Writes the device name under which io_manager_for_cache() finds cache: libext2fs hands an
 * open function nothing but a name.
 */
void iomgr_name(struct cache *cache, char name[IOMGR_NAME_MAX]);

/* The manager itself; constant. A channel does not own the cache. */
io_manager iomgr_get(void);

#endif
