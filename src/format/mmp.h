/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multiple mount protection block: who uses the filesystem, told by a number that moves. Pure. */
#ifndef EXT4D_FORMAT_MMP_H
#define EXT4D_FORMAT_MMP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

#define MMP_SIZE 1024 /* bytes of the block that count */

/* Values of seq that are no counts, and the largest count (EXT4_MMP_SEQ_*). */
#define MMP_SEQ_CLEAN 0xFF4D4D50u
#define MMP_SEQ_FSCK 0xE24D4D50u
#define MMP_SEQ_MAX 0xE24D4D4Fu

enum mmp_state {
	MMP_CLEAN, /* nobody */
	MMP_FSCK,  /* e2fsck works on it */
	MMP_IN_USE, /* mounted for writing, or was when its host stopped */
};

struct mmp {
	enum mmp_state state; /* decoded from seq; mmp_encode() ignores it */
	uint32_t seq;
	uint64_t time;	 /* of the last write, seconds since 1970 */
	uint16_t check_interval; /* seconds after which an unchanged seq may be given up */
	char node[65];	 /* NUL-terminated: the host that wrote it last */
	char device[33]; /* NUL-terminated: and the device's name there */
};

/* Decodes the MMP_SIZE bytes at raw. -EUCLEAN: no such block. */
int mmp_decode(const uint8_t *raw, struct mmp *ret) MUST_CHECK;

/* Writes mmp over the MMP_SIZE bytes at raw; what it does not have stays. */
void mmp_encode(const struct mmp *mmp, uint8_t *raw);

/* The checksum, with metadata_csum; seed: the superblock's. */
bool mmp_csum_valid(const uint8_t *raw, uint32_t seed);
void mmp_csum_set(uint8_t *raw, uint32_t seed);

#endif
