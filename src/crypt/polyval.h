/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POLYVAL (RFC 8452), the hash of HCTR2. */
#ifndef EXT4D_CRYPT_POLYVAL_H
#define EXT4D_CRYPT_POLYVAL_H

#include <stddef.h>
#include <stdint.h>

#define POLYVAL_BLOCK 16 /* bytes; of a key and of the result too */

/* A polynomial over GF(2); bit i of lo is x^i, of hi x^(64+i). */
struct polyval {
	uint64_t lo, hi;
};

struct polyval polyval_get(const uint8_t raw[POLYVAL_BLOCK]);
void polyval_put(const struct polyval *p, uint8_t ret[POLYVAL_BLOCK]);

/* hash begins as zeros. A last block that is not whole is filled with zeros. */
void polyval_update(struct polyval *hash, const struct polyval *key, const uint8_t *data, size_t len);

#endif
