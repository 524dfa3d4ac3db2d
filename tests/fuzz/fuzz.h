/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the fuzzer share. An input is a raw image or a packed one: mostly zeros left
 * out, so that a filesystem with a journal is a few dozen KiB and most mutations hit metadata.
 *
 * Packed, little-endian: "E4PK", the image's length in units of PACK_UNIT, FUZZ_* flags, a word of
 * zero; then any number of records: a unit's number and PACK_UNIT bytes. Later records win,
 * those beyond the image count for nothing.
 */
#ifndef EXT4D_FUZZ_H
#define EXT4D_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define PACK_MAGIC 0x4B503445u
#define PACK_HEADER 16
#define PACK_UNIT 1024
#define PACK_MAX_UNITS 8192

#define FUZZ_NORECOVERY 1u /* open without replaying the journal */
#define FUZZ_WRITE 2u	   /* open for writing, and change things */
#define FUZZ_LOCKED 4u	   /* without the key of lib/testkey.h */
#define FUZZ_SEED_SHIFT 16 /* the bits above choose what is changed */

struct image {
	uint8_t *bytes; /* owned */
	size_t len;
	uint32_t flags; /* FUZZ_* */
};

/* Unpacks an input of either kind; of a raw one the flags are its length's lowest bit. */
int image_unpack(const uint8_t *data, size_t size, struct image *ret);

/* Packs into out; 0 if it does not fit max bytes, else the length. */
size_t image_pack(const struct image *img, uint8_t *out, size_t max);
void image_fini(struct image *img);

/*
 * Makes every checksum right that can be found: superblock, group descriptors, inodes, extent
 * blocks, directory blocks, attribute blocks, journal, fast commits.
 */
void fixup_image(struct image *img);

/*
 * The image's blocks of the file ino: *ret[i] is the block of file block i, 0 where there is none
 * or it lies outside. Returns how many of the nr are filled in, 0 if the image is beyond reading.
 */
size_t fixup_file_blocks(const struct image *img, uint32_t ino, uint64_t *ret, size_t nr);

/* Geometry of the image as far as the superblock makes sense. */
struct super;
bool fixup_super(const struct image *img, struct super *ret);

/* The bytes of an inode or of a group descriptor inside the image, or NULL. */
uint8_t *fixup_inode(const struct image *img, const struct super *sb, uint32_t ino);
uint8_t *fixup_gdesc(const struct image *img, const struct super *sb, uint32_t group);

/* Opens the image and reads all of it that the work limits allow, after changes if its flags say so. */
void walk_image(const struct image *img);

/* Changes of all kinds, chosen by seed, to what is there. */
struct fs;
void edit_fs(struct fs *fs, uint32_t seed);

/* Adds a directory under each of the test's policies to a good image with the encrypt feature. */
void encrypt_image(struct image *img);

/* Checks that err is something that a caller can be told, and returns it. */
int fuzz_errno(int err);

/* The libFuzzer interface. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
	size_t size2, uint8_t *out, size_t max, unsigned seed);

#endif
