// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fuzz target without libFuzzer: reads files given as arguments (kept crashers, seeds) with
 * any compiler, and makes seeds.
 *
 *	fuzz_main [-v] INPUT...		read each input; -v: show what is logged
 *	fuzz_main [-v] -w SEED INPUT...	change each input, as SEED chooses, and read it
 *	fuzz_main -p IMAGE OUT		pack an image (-P: to be opened with norecovery)
 *	fuzz_main -u INPUT OUT		unpack to an image for debugfs
 *	fuzz_main -c INPUT OUT		the same input with its checksums made right
 *	fuzz_main -f IMAGE OUT		pack, with a sample fast commit in the journal
 *	fuzz_main -e IMAGE OUT		pack, with encrypted directories
 */
#include "config.h"

#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/fcommit.h"
#include "format/jbd2.h"
#include "format/le.h"
#include "format/super.h"

#define SB_OFFSET 1024
#define SB_INCOMPAT 0x60
#define JSB_SEQUENCE 0x18
#define JSB_START 0x1C
#define JSB_INCOMPAT 0x28
#define JSB_NUM_FC_BLKS 0x54
#define JSB_FAST_COMMIT 0x20u
#define JOURNAL_BLOCKS 4096
#define FC_BLOCKS 32
/* The inodes that the sample fast commit makes. */
#define NEW_FILE 20
#define NEW_DIR 21

static void die(const char *what, const char *name)
{
	fprintf(stderr, "fuzz_main: %s: %s: %s\n", name, what, strerror(errno));
	exit(2);
}

static uint8_t *load(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t len = 0, room = 0, n;

	if (!file)
		die("cannot open", path);
	do {
		if (len == room) {
			room = room ? room * 2 : 1 << 20;
			bytes = realloc(bytes, room);
		}
		if (!bytes)
			die("no memory", path);
		n = fread(bytes + len, 1, room - len, file);
		len += n;
	} while (n);
	if (ferror(file))
		die("cannot read", path);
	fclose(file);
	*ret_len = len;
	return bytes;
}

static void store(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
		die("cannot write", path);
}

static void store_packed(const char *path, const struct image *img)
{
	size_t max = PACK_HEADER + (img->len / PACK_UNIT + 1) * (PACK_UNIT + 4);
	uint8_t *out = malloc(max);
	size_t len = out ? image_pack(img, out, max) : 0;

	if (!len)
		die("cannot pack", path);
	store(path, out, len);
	free(out);
}

/* ---- a sample fast commit ---- */

struct writer {
	uint8_t *block;
	size_t off;
};

static uint8_t *add_tag(struct writer *w, unsigned type, size_t len)
{
	uint8_t *p = w->block + w->off;

	le16_put(p, (uint16_t)type);
	le16_put(p + 2, (uint16_t)len);
	w->off += FCOMMIT_TAG_HDR + len;
	return p + FCOMMIT_TAG_HDR;
}

static void add_dentry(
	struct writer *w, unsigned type, uint32_t parent, uint32_t ino, const char *name)
{
	uint8_t *val = add_tag(w, type, 8 + strlen(name));

	le32_put(val, parent);
	le32_put(val + 4, ino);
	memcpy(val + 8, name, strlen(name));
}

static void add_range(struct writer *w, uint32_t ino, uint32_t lblk, uint16_t nr, uint32_t pblk)
{
	uint8_t *val = add_tag(w, FCOMMIT_ADD_RANGE, 16);

	le32_put(val, ino);
	le32_put(val + 4, lblk);
	le16_put(val + 8, nr);
	le32_put(val + 12, pblk);
}

/* The new inodes are copies of lost+found's, without its blocks. */
static void add_inode(struct writer *w, const struct image *img, const struct super *sb,
	uint32_t ino, uint16_t mode)
{
	uint8_t *val = add_tag(w, FCOMMIT_INODE, 4 + sb->inode_size);
	const uint8_t *from = fixup_inode(img, sb, EXT2_GOOD_OLD_FIRST_INO);

	le32_put(val, ino);
	val += 4;
	memcpy(val, from, sb->inode_size);
	le16_put(val, mode);
	le16_put(val + 0x1A, 2);
	le32_put(val + 4, 10 * sb->block_size);
	memset(val + 0x28, 0, 60);
	le16_put(val + 0x28, 0xF30A);
	le16_put(val + 0x2C, 4);
}

static void write_fast_commit(
	struct writer *w, const struct image *img, const struct super *sb, uint32_t tid)
{
	uint8_t *val = add_tag(w, FCOMMIT_HEAD, 8);

	le32_put(val + 4, tid);
	add_dentry(w, FCOMMIT_CREAT, EXT2_ROOT_INO, NEW_FILE, "fresh");
	add_inode(w, img, sb, NEW_FILE, 0100644);
	add_range(w, NEW_FILE, 0, 4, 100);
	add_range(w, NEW_FILE, 6, 2, 110);
	val = add_tag(w, FCOMMIT_DEL_RANGE, 12);
	le32_put(val, NEW_FILE);
	le32_put(val + 4, 2);
	le32_put(val + 8, 1);
	add_dentry(w, FCOMMIT_LINK, EXT2_ROOT_INO, NEW_FILE, "second name");
	add_dentry(w, FCOMMIT_UNLINK, EXT2_ROOT_INO, EXT2_GOOD_OLD_FIRST_INO + 1, "hello");
	add_tag(w, FCOMMIT_PAD, sb->block_size - w->off - FCOMMIT_TAG_HDR);
	w->block += sb->block_size; /* the journal lies in one piece */
	w->off = 0;
	add_inode(w, img, sb, NEW_DIR, 0040755);
	add_dentry(w, FCOMMIT_CREAT, EXT2_ROOT_INO, NEW_DIR, "fresh dir");
	add_dentry(w, FCOMMIT_LINK, NEW_DIR, NEW_FILE, "third name");
	val = add_tag(w, FCOMMIT_TAIL, 8);
	le32_put(val, tid);
}

static void add_fast_commit(struct image *img, const char *name)
{
	uint64_t *blocks = calloc(JOURNAL_BLOCKS, sizeof(*blocks));
	struct super sb;
	struct writer w;
	uint8_t *jsb;
	size_t nr;

	if (!blocks || !fixup_super(img, &sb))
		die("not an image", name);
	nr = fixup_file_blocks(img, sb.journal_ino, blocks, JOURNAL_BLOCKS);
	if (nr < FC_BLOCKS + 1 || !fixup_inode(img, &sb, EXT2_GOOD_OLD_FIRST_INO))
		die("no journal", name);
	jsb = img->bytes + (blocks[0] << sb.block_bits);
	jsb[JSB_INCOMPAT + 3] |= JSB_FAST_COMMIT;
	jsb[JSB_NUM_FC_BLKS + 3] = FC_BLOCKS;
	jsb[JSB_START + 3] = 1;
	w = (struct writer){ img->bytes + (blocks[nr - FC_BLOCKS + 1] << sb.block_bits), 0 };
	write_fast_commit(&w, img, &sb, be32_get(jsb + JSB_SEQUENCE));
	img->bytes[SB_OFFSET + SB_INCOMPAT] |= EXT3_FEATURE_INCOMPAT_RECOVER;
	free(blocks);
}

/* ---- ---- */

static int convert(int how, const char *in, const char *out)
{
	size_t len;
	uint8_t *data = load(in, &len);
	struct image img;

	if (image_unpack(data, len, &img))
		die("no memory", in);
	free(data);
	if (how == 'p' || how == 'f' || how == 'P' || how == 'e')
		img.flags = how == 'P' ? FUZZ_NORECOVERY : 0;
	if (how == 'f')
		add_fast_commit(&img, in);
	if (how == 'e')
		encrypt_image(&img);
	if (how == 'c' || how == 'f')
		fixup_image(&img);
	if (how == 'u')
		store(out, img.bytes, img.len);
	else
		store_packed(out, &img);
	image_fini(&img);
	return 0;
}

static void run(const uint8_t *data, size_t len, uint32_t flags)
{
	struct image img;

	if (!flags) {
		LLVMFuzzerTestOneInput(data, len);
		return;
	}
	CHECK(!image_unpack(data, len, &img));
	img.flags = flags;
	walk_image(&img);
	image_fini(&img);
}

int main(int argc, char **argv)
{
	uint32_t flags = 0;
	int how;

	while ((how = getopt(argc, argv, "vw:pPucfe")) != -1) {
		if (how == 'v') {
			setenv("FUZZ_VERBOSE", "1", 1);
		} else if (how == 'w') {
			flags = FUZZ_WRITE | (uint32_t)strtoul(optarg, NULL, 10) << FUZZ_SEED_SHIFT;
		} else if (how == '?' || argc - optind != 2) {
			fprintf(stderr, "usage: fuzz_main [-v] [-w SEED] INPUT... | "
					"-p|-P|-u|-c|-f|-e IN OUT\n");
			return 2;
		} else {
			return convert(how, argv[optind], argv[optind + 1]);
		}
	}
	for (int i = optind; i < argc; i++) {
		size_t len;
		uint8_t *data = load(argv[i], &len);

		printf("%s\n", argv[i]);
		fflush(stdout);
		run(data, len, flags);
		free(data);
	}
	return 0;
}
