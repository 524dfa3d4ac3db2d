/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4 (Aumasson and Bernstein 2012): hashes of names in encrypted, casefolded directories, and
 * of inode numbers under IV_INO_LBLK_32.
 */
#ifndef EXT4D_CRYPT_SIPHASH_H
#define EXT4D_CRYPT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY 16 /* bytes */

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len);

#endif
