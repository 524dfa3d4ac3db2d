// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "partition.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <ext2fs/ext2_fs.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/le.h"
#include "util/parse.h"

/* libblkid counts partitions in these whatever the device's sectors are. */
#define SECTOR 512

/* Offsets in the superblock, 1024 bytes into a filesystem. */
enum {
	SB_OFFSET = 1024,
	SB_MAGIC = 56,
	SB_UUID = 104,
	SB_LABEL = 120,
	SB_READ = 136,
	LABEL_SIZE = 16,
	UUID_TEXT_SIZE = 37,
};

#define LIST_MAX 300 /* bytes of a listing in an error line */

/* What is needed of the filesystem in a partition. */
struct inside {
	bool is_ext;
	char label[LABEL_SIZE + 1];
	char uuid[UUID_TEXT_SIZE];
};

static void uuid_to_text(const uint8_t *uuid, char text[UUID_TEXT_SIZE])
{
	char *at = text;

	for (int i = 0; i < 16; i++) {
		at += sprintf(at, "%02x", uuid[i]);
		if (i == 3 || i == 5 || i == 7 || i == 9)
			*at++ = '-';
	}
}

static void look_inside(struct blk *disk, uint64_t off, struct inside *ret)
{
	uint8_t raw[SB_READ];

	memset(ret, 0, sizeof(*ret));
	if (off > disk->size || blk_read(disk, off + SB_OFFSET, raw, sizeof(raw)))
		return;
	ret->is_ext = le16_get(raw + SB_MAGIC) == EXT2_SUPER_MAGIC;
	memcpy(ret->label, raw + SB_LABEL, LABEL_SIZE);
	uuid_to_text(raw + SB_UUID, ret->uuid);
}

static bool same(const char *want, const char *have)
{
	return have && have[0] && !strcasecmp(want, have);
}

static bool matches(
	blkid_partition entry, const struct inside *in, const char *want, bool is_number)
{
	uint64_t number;

	if (is_number)
		return !parse_number(want, INT32_MAX, &number) &&
			(int)number == blkid_partition_get_partno(entry);
	if (same(want, blkid_partition_get_uuid(entry)))
		return true;
	if (blkid_partition_get_name(entry) && !strcmp(want, blkid_partition_get_name(entry)))
		return true;
	return in->is_ext && (!strcmp(want, in->label) || same(want, in->uuid));
}

/* "1 (ext4), 2 (vfat)": as far as it fits. */
static void list_add(char list[LIST_MAX], int number, const struct inside *in, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, LIST_MAX - used, "%s%d%s%s%s%s", used ? ", " : "", number,
		name && name[0] ? " \"" : "", name ? name : "", name && name[0] ? "\"" : "",
		in->is_ext ? " (ext4)" : "");
}

struct search {
	struct blk *disk;
	const char *path, *want;
	struct partition found;
	unsigned hits;	     /* partitions that answer the question */
	char list[LIST_MAX]; /* all of them */
};

static void visit(struct search *search, blkid_partition entry)
{
	uint64_t start = (uint64_t)blkid_partition_get_start(entry);
	uint64_t size = (uint64_t)blkid_partition_get_size(entry);
	int number = blkid_partition_get_partno(entry);
	struct inside in;
	bool is_number, hit;
	uint64_t ignored;

	if (number <= 0 || start > UINT64_MAX / SECTOR || size > UINT64_MAX / SECTOR ||
		blkid_partition_is_extended(entry))
		return;
	look_inside(search->disk, start * SECTOR, &in);
	list_add(search->list, number, &in, blkid_partition_get_name(entry));
	is_number = search->want && parse_number(search->want, INT32_MAX, &ignored) == 0;
	hit = search->want ? matches(entry, &in, search->want, is_number) : in.is_ext;
	if (!hit || search->hits++)
		return;
	search->found = (struct partition){ .number = (unsigned)number, .off = start * SECTOR,
		.len = size * SECTOR };
}

static int read_table(int fd, struct search *search)
{
	blkid_probe probe = blkid_new_probe();
	blkid_partlist table;
	int err = 0;

	if (!probe)
		return -ENOMEM;
	if (blkid_probe_set_device(probe, fd, 0, 0) || blkid_probe_enable_superblocks(probe, 0) ||
		blkid_probe_enable_partitions(probe, 1)) {
		err = -EIO;
	} else {
		table = blkid_probe_get_partitions(probe);
		for (int i = 0; table && i < blkid_partlist_numof_partitions(table); i++)
			visit(search, blkid_partlist_get_partition(table, i));
	}
	blkid_free_probe(probe);
	return err;
}

static int say_why(const struct search *search, struct log *log)
{
	if (!search->list[0])
		log_error(log, search->want ? "%s: no partition table found" :
					      "%s: not an ext2, ext3 or ext4 filesystem, and no "
					      "partition table found", search->path);
	else if (search->want)
		log_error(log, "%s: %s partition %s; there are: %s", search->path,
			search->hits ? "more than one" : "no", search->want, search->list);
	else
		log_error(log, search->hits ? "%s: more than one ext4 partition, choose with "
					      "-o partition=; there are: %s" :
					      "%s: no ext4 partition; there are: %s",
			search->path, search->list);
	return -EINVAL;
}

int partition_find(int fd, struct blk *disk, const char *path, const char *want, struct log *log,
	struct partition *ret)
{
	struct search search = { .disk = disk, .path = path, .want = want };
	struct inside in;
	int err;

	look_inside(disk, 0, &in);
	if (!want && (in.is_ext || disk->size < SB_OFFSET + SB_READ)) {
		*ret = (struct partition){ .number = 0, .len = disk->size };
		return 0;
	}
	err = read_table(fd, &search);
	if (err) {
		log_error(log, "%s: cannot read the partition table: %s", path, strerror(-err));
		return err;
	}
	if (search.hits != 1)
		return say_why(&search, log);
	*ret = search.found;
	if (ret->off > disk->size || ret->len > disk->size - ret->off) {
		log_error(log, "%s: partition %u lies past the image's end", path, ret->number);
		return -EINVAL;
	}
	if (!want)
		log_info(log, "%s: mounting partition %u, its only ext4 partition", path,
			ret->number);
	return 0;
}
