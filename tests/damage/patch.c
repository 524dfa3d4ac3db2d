// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * patch IMAGE [OFFSET:SIZE=NUMBER]... [fix]: writes numbers of SIZE bytes (1, 2, 4, 8; big-endian
 * with a `b` in front) into an image, and with `fix` makes the checksums right again. For tests of
 * crafted damage: what is to be found behind a checksum needs one that holds.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz/fuzz.h"
#include "format/le.h"
#include "format/super.h"
#include "util/crc32c.h"

#define SB_OFFSET 1024
#define SB_RO_COMPAT 0x64
#define SB_CHECKSUM 0x3FC

static int load(const char *path, struct image *ret)
{
	FILE *file = fopen(path, "rb");
	long len;
	bool ok;

	if (!file)
		return -errno;
	ok = fseek(file, 0, SEEK_END) == 0 && (len = ftell(file)) >= 0;
	rewind(file);
	ret->len = ok ? (size_t)len : 0;
	ret->bytes = malloc(ret->len + 1);
	ok = ok && ret->bytes && fread(ret->bytes, 1, ret->len, file) == ret->len;
	fclose(file);
	return ok ? 0 : -EIO;
}

static int store(const char *path, const struct image *img)
{
	FILE *file = fopen(path, "r+b");
	bool ok;

	if (!file)
		return -errno;
	ok = fwrite(img->bytes, 1, img->len, file) == img->len;
	if (fclose(file))
		ok = false;
	return ok ? 0 : -EIO;
}

/* One OFFSET:SIZE=NUMBER. */
static int apply(struct image *img, const char *arg)
{
	char sep, end;
	bool big;
	uint64_t off, size, number;
	const char *colon = strchr(arg, ':'), *equals = strchr(arg, '=');

	if (!colon || !equals || equals < colon)
		return -EINVAL;
	off = strtoull(arg, NULL, 0);
	big = colon[1] == 'b';
	if (sscanf(colon + 1 + big, "%1" SCNu64 "%c", &size, &sep) != 2 || sep != '=')
		return -EINVAL;
	number = strtoull(equals + 1, NULL, 0);
	if (sscanf(equals + 1, "%*i%c", &end) == 1 || !size || size > 8)
		return -EINVAL;
	if (off > img->len || size > img->len - off)
		return -ERANGE;
	for (uint64_t i = 0; i < size; i++)
		img->bytes[off + (big ? size - 1 - i : i)] = (uint8_t)(number >> 8 * i);
	return 0;
}

/* Also of a superblock that makes no sense, which fixup_image() leaves alone. */
static void fix(struct image *img)
{
	uint8_t *sb = img->bytes + SB_OFFSET;

	fixup_image(img);
	if (img->len < 2 * SB_OFFSET)
		return;
	if (le32_get(sb + SB_RO_COMPAT) & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)
		le32_put(sb + SB_CHECKSUM, crc32c(~0u, sb, SB_CHECKSUM));
}

int main(int argc, char **argv)
{
	struct image img = { 0 };
	int err = argc < 2 ? -EINVAL : load(argv[1], &img);

	for (int i = 2; !err && i < argc; i++) {
		if (!strcmp(argv[i], "fix"))
			fix(&img);
		else
			err = apply(&img, argv[i]);
		if (err)
			fprintf(stderr, "patch: %s: %s\n", argv[i], strerror(-err));
	}
	if (!err)
		err = store(argv[1], &img);
	if (err)
		fprintf(stderr, "patch: %s\n", strerror(-err));
	image_fini(&img);
	return err ? 1 : 0;
}
