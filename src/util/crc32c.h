/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_UTIL_CRC32C_H
#define EXT4D_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli, reflected) as ext4 and jbd2 use it: the running value is neither
 * inverted on entry nor on exit, so calls chain. Uses the CPU's instruction where there is one.
 */
uint32_t crc32c(uint32_t crc, const void *buf, size_t len);

#endif
