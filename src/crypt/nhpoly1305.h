/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NHPoly1305, Adiantum's hash of the message (Crowley and Biggers 2018): NH, then Poly1305's polynomial. */
#ifndef EXT4D_CRYPT_NHPOLY1305_H
#define EXT4D_CRYPT_NHPOLY1305_H

#include "crypt/poly1305.h"

#define NHPOLY1305_PASSES 4
#define NHPOLY1305_UNIT 16	/* bytes of message that a step of NH takes */
#define NHPOLY1305_CHUNK 1024	/* bytes that NH makes one number of, for each pass */
#define NHPOLY1305_NH_KEY (NHPOLY1305_CHUNK + (NHPOLY1305_PASSES - 1) * NHPOLY1305_UNIT)
#define NHPOLY1305_KEY (POLY1305_BLOCK + NHPOLY1305_NH_KEY)

struct nhpoly1305_key {
	struct poly1305_key poly;
	uint32_t nh[NHPOLY1305_NH_KEY / 4];
};

void nhpoly1305_set_key(struct nhpoly1305_key *key, const uint8_t raw[NHPOLY1305_KEY]);

void nhpoly1305(const struct nhpoly1305_key *key, const uint8_t *data, size_t len,
	uint8_t ret[POLY1305_BLOCK]);

#endif
