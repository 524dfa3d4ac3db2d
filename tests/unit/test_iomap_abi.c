// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The structures of FUSE iomap against messages written out by hand, both ways, and the client's checks of what
 * it is told. Little-endian machines only, as the messages are.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/iomap_wire.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the messages ---- */

static const char v1_begin[] =
	"48 00 00 00 fe 0f 00 00 34 12 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 e8 03 00 00 64 00 00 00 "
	"e1 10 00 00 00 00 00 00 11 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 00 50 00 00 00 00 00 00 "
	"00 30 00 00 00 00 00 00 ";
static const char v2_begin_reply[] =
	"50 00 00 00 00 00 00 00 34 12 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 80 00 00 00 00 00 00 "
	"00 50 34 12 00 00 00 00 03 00 02 00 01 00 00 00 00 40 00 00 00 00 00 00 00 80 00 00 00 00 00 00 "
	"ff ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 ";
static const char v3_begin_retry[] =
	"50 00 00 00 00 00 00 00 34 12 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 80 00 00 00 00 00 00 "
	"ff ff ff ff ff ff ff ff fe 00 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 80 00 00 00 00 00 00 "
	"ff ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 ";
static const char v4_begin_hole[] =
	"00 00 00 00 00 00 00 00 00 00 10 00 00 00 00 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 "
	"00 00 00 00 00 00 00 00 00 00 10 00 00 00 00 00 ff ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 ";
static const char v5_end[] =
	"70 00 00 00 ff 0f 00 00 36 12 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 e8 03 00 00 64 00 00 00 "
	"e1 10 00 00 00 00 00 00 01 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 fe 6f 00 00 00 00 00 00 "
	"20 00 00 00 00 00 00 00 20 00 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 80 00 00 00 00 00 00 "
	"00 50 34 12 00 00 00 00 03 00 02 01 01 00 00 00 ";
static const char v6_ioend[] =
	"58 00 00 00 fd 0f 00 00 38 12 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
	"00 00 00 00 00 00 00 00 32 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 00 60 00 00 00 00 00 00 "
	"38 1a 09 00 00 00 00 00 1e 10 00 00 00 00 00 00 01 00 00 00 00 00 00 00 ";
static const char v6_ioend_reply[] =
	"18 00 00 00 00 00 00 00 38 12 00 00 00 00 00 00 1e 70 00 00 00 00 00 00 ";
static const char v7_ioend_failed[] =
	"08 00 00 00 fb ff ff ff 0c 00 00 00 00 00 00 00 00 50 00 00 00 00 00 00 ff ff ff ff ff ff ff ff "
	"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ";
static const char v8_config[] =
	"7f 00 00 00 00 00 00 00 ff ff ff ff ff ff ff 7f 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 "
	"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ";
static const char v9_config_reply[] =
	"78 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 37 00 00 00 00 00 00 00 76 6f 6c 30 00 00 00 00 "
	"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 10 11 12 13 14 15 16 17 "
	"18 19 1a 1b 1c 1d 1e 1f 10 00 00 00 00 10 00 00 00 00 00 00 01 00 00 00 00 00 00 80 ff ff ff ff "
	"ff ff ff 7f 03 00 00 00 00 f0 ff ff ff 0f 00 00 00 00 00 00 00 00 00 00 ";
static const char v10_upsert[] =
	"60 00 00 00 64 00 00 00 00 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 "
	"00 40 00 00 00 00 00 00 00 80 00 00 00 00 00 00 00 50 34 12 00 00 00 00 03 00 00 00 01 00 00 00 "
	"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 fd 00 00 00 00 00 00 00 ";
static const char v11_inval[] =
	"40 00 00 00 65 00 00 00 00 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 "
	"00 80 00 00 00 00 00 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ";
static const char v12_dev_inval[] =
	"28 00 00 00 63 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 50 34 12 00 00 00 00 "
	"00 80 00 00 00 00 00 00 ";
static const char v13_init_reply[] =
	"50 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 07 00 00 00 63 00 00 00 00 00 02 00 08 00 50 40 "
	"0c 00 09 00 00 00 10 00 01 00 00 00 00 01 00 00 00 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
	"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ";
static const char v14_attr[] =
	"0c 00 00 00 00 00 00 00 1e 70 00 00 00 00 00 00 40 00 00 00 00 00 00 00 00 f1 53 65 00 00 00 00 "
	"00 f1 53 65 00 00 00 00 00 f1 53 65 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 a4 81 00 00 "
	"01 00 00 00 e8 03 00 00 64 00 00 00 00 00 00 00 00 10 00 00 0c 00 00 00 ";
static const char v5_end_reply[] = "10 00 00 00 00 00 00 00 36 12 00 00 00 00 00 00 ";
static const char v15_backing[] = "07 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 ";
static const char v15_blocksize[] = "01 00 00 00 00 10 00 00 ";
static const char v15_support[] = "03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ";

/* Up to a message's size. */
struct bytes {
	uint8_t at[256];
	size_t len;
};

static struct bytes parse(const char *hex)
{
	struct bytes ret = { .len = 0 };

	for (; *hex; hex += 3) {
		assert_true(ret.len < sizeof(ret.at));
		ret.at[ret.len++] = (uint8_t)strtoul(hex, NULL, 16);
	}
	return ret;
}

/*
 * Both directions: what is put together from head (may be NULL) and body is the message, and what is taken out
 * of the message is body again.
 */
static void check(const char *hex, const void *head, size_t head_len, const void *body, size_t len)
{
	struct bytes want = parse(hex);
	uint8_t back[256];

	assert_int_equal(want.len, head_len + len);
	if (head_len)
		assert_memory_equal(want.at, head, head_len);
	memcpy(back, want.at + head_len, len);
	if (len) {
		assert_memory_equal(want.at + head_len, body, len);
		assert_memory_equal(back, body, len);
	}
}

static struct abi_in_header request(uint32_t opcode, uint64_t unique, size_t len, bool by_user)
{
	struct abi_in_header head = { .len = (uint32_t)(sizeof(head) + len), .opcode = opcode,
		.unique = unique, .nodeid = 12 };

	if (by_user) {
		head.uid = 1000;
		head.gid = 100;
		head.pid = 4321;
	}
	return head;
}

/* error: 0, or a notification's code. */
static struct abi_out_header reply(uint64_t unique, int32_t error, size_t len)
{
	return (struct abi_out_header){ .len = (uint32_t)(sizeof(struct abi_out_header) + len),
		.error = error, .unique = unique };
}

#define CHECK_REQUEST(hex, head, body) check(hex, &(head), sizeof(head), &(body), sizeof(body))

/* Also as the server takes it apart: not when a byte is missing. */
#define CHECK_ARGUMENT(hex, body)                                                                  \
	do {                                                                                       \
		struct bytes msg = parse(hex);                                                     \
		uint8_t arg[sizeof(body)];                                                         \
		const void *at = msg.at;                                                           \
                                                                                                   \
		assert_int_equal(iomap_wire_argument(at, msg.len, arg, sizeof(arg)), 0);           \
		assert_memory_equal(arg, &(body), sizeof(arg));                                    \
		assert_int_equal(iomap_wire_argument(at, msg.len + 8, arg, sizeof(arg)), 0);       \
		assert_int_equal(iomap_wire_argument(at, msg.len - 1, arg, sizeof(arg)), -EINVAL); \
		assert_int_equal(iomap_wire_argument(at, 39, arg, sizeof(arg)), -EINVAL);          \
	} while (0)

static const struct iomap_abi_map unwritten = { .offset = 0x4000, .length = 0x8000,
	.addr = 0x12345000, .type = IOMAP_ABI_UNWRITTEN, .flags = IOMAP_ABI_F_DIRTY, .dev = 1 };

static void test_begin(void **state)
{
	struct iomap_abi_begin_in in = { .opflags = IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_DIRECT,
		.attr_ino = 12, .pos = 0x5000, .count = 0x3000 };
	struct iomap_abi_begin_out out = { .read = unwritten };
	struct iomap_abi_map hole = { .length = 1 << 20, .addr = IOMAP_ABI_NO_ADDR };
	struct abi_in_header head = request(IOMAP_ABI_OP_BEGIN, 0x1234, sizeof(in), true);
	struct abi_out_header back = reply(0x1234, 0, sizeof(out));

	(void)state;
	CHECK_REQUEST(v1_begin, head, in);
	CHECK_ARGUMENT(v1_begin, in);
	out.write = iomap_wire_overwrite(&out.read);
	CHECK_REQUEST(v2_begin_reply, back, out);
	out.read = iomap_wire_retry(&out.read);
	CHECK_REQUEST(v3_begin_retry, back, out);
	out.read = hole;
	out.write = iomap_wire_overwrite(&hole);
	check(v4_begin_hole, NULL, 0, &out, sizeof(out));
}

static void test_end(void **state)
{
	struct iomap_abi_end_in in = { .opflags = IOMAP_ABI_ON_WRITE, .attr_ino = 12, .pos = 0x6ffe,
		.count = 0x20, .written = 0x20, .map = unwritten };
	struct abi_in_header head = request(IOMAP_ABI_OP_END, 0x1236, sizeof(in), true);
	struct abi_out_header back = reply(0x1236, 0, 0);

	(void)state;
	in.map.flags |= IOMAP_ABI_F_SIZE_CHANGED;
	CHECK_REQUEST(v5_end, head, in);
	CHECK_ARGUMENT(v5_end, in);
	check(v5_end_reply, &back, sizeof(back), NULL, 0);
}

static void test_ioend(void **state)
{
	struct iomap_abi_ioend_in in = { .flags = IOMAP_ABI_IOEND_UNWRITTEN | IOMAP_ABI_IOEND_APPEND |
			IOMAP_ABI_IOEND_WRITEBACK,
		.attr_ino = 12, .pos = 0x6000, .new_addr = 0x91a38, .written = 0x101e, .dev = 1 };
	struct iomap_abi_ioend_in failed = { .flags = IOMAP_ABI_IOEND_DIRECT, .error = -5,
		.attr_ino = 12, .pos = 0x5000, .new_addr = IOMAP_ABI_NO_ADDR };
	struct iomap_abi_ioend_out out = { .newsize = 0x701e };
	struct abi_in_header head = request(IOMAP_ABI_OP_IOEND, 0x1238, sizeof(in), false);
	struct abi_out_header back = reply(0x1238, 0, sizeof(out));

	(void)state;
	CHECK_REQUEST(v6_ioend, head, in);
	CHECK_ARGUMENT(v6_ioend, in);
	CHECK_REQUEST(v6_ioend_reply, back, out);
	check(v7_ioend_failed, NULL, 0, &failed, sizeof(failed));
}

static void test_config(void **state)
{
	struct iomap_abi_config_in in = { .flags = 0x7F, .maxbytes = INT64_MAX,
		.cache_maxbytes = 262144 };
	struct iomap_abi_config_out out = {
		.flags = IOMAP_ABI_CONFIG_SID | IOMAP_ABI_CONFIG_UUID | IOMAP_ABI_CONFIG_BLOCKSIZE |
			IOMAP_ABI_CONFIG_TIME | IOMAP_ABI_CONFIG_MAXBYTES,
		.s_id = "vol0", .s_uuid_len = 16, .s_blocksize = 4096, .s_time_gran = 1,
		.s_time_min = INT32_MIN, .s_time_max = 0x37fffffff, .s_maxbytes = 0xffffffff000,
	};
	struct abi_out_header back = reply(4, 0, sizeof(out));

	(void)state;
	for (unsigned i = 0; i < sizeof(out.s_uuid); i++)
		out.s_uuid[i] = (uint8_t)(0x10 + i);
	check(v8_config, NULL, 0, &in, sizeof(in));
	CHECK_REQUEST(v9_config_reply, back, out);
}

static void test_notifications(void **state)
{
	struct iomap_abi_upsert upsert = { .nodeid = 12, .attr_ino = 12, .read = unwritten,
		.write = iomap_wire_nocache() };
	struct iomap_abi_inval inval = { .nodeid = 12, .attr_ino = 12,
		.read = { 0x8000, IOMAP_ABI_TO_EOF } };
	struct iomap_abi_dev_inval dev = { .dev = 1, .range = { 0x12345000, 0x8000 } };
	struct abi_out_header head = reply(0, IOMAP_ABI_NOTIFY_UPSERT, sizeof(upsert));

	(void)state;
	upsert.read.flags = 0;
	CHECK_REQUEST(v10_upsert, head, upsert);
	head = reply(0, IOMAP_ABI_NOTIFY_INVAL, sizeof(inval));
	CHECK_REQUEST(v11_inval, head, inval);
	head = reply(0, IOMAP_ABI_NOTIFY_DEV_INVAL, sizeof(dev));
	CHECK_REQUEST(v12_dev_inval, head, dev);
}

static void test_init(void **state)
{
	/* EXT, MAX_PAGES, POSIX_ACL, ATOMIC_O_TRUNC */
	struct abi_init_out out = { .major = 7, .minor = IOMAP_ABI_MINOR, .max_readahead = 131072,
		.flags = ABI_INIT_EXT | 1 << 22 | 1 << 20 | 1 << 3, .max_background = 12,
		.congestion_threshold = 9, .max_write = 1 << 20, .time_gran = 1, .max_pages = 256,
		.flags2 = (uint32_t)(IOMAP_ABI_INIT >> 32) };
	struct abi_out_header back = reply(2, 0, sizeof(out));

	(void)state;
	CHECK_REQUEST(v13_init_reply, back, out);
}

static void test_attr(void **state)
{
	struct abi_attr attr = { .ino = 12, .size = 0x701e, .blocks = 64, .atime = 1700000000,
		.mtime = 1700000000, .ctime = 1700000000, .mode = 0100644, .nlink = 1, .uid = 1000,
		.gid = 100, .blksize = 4096, .flags = IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP };

	(void)state;
	check(v14_attr, NULL, 0, &attr, sizeof(attr));
	/* where they are patched into replies */
	assert_int_equal(offsetof(struct abi_entry_out, attr.flags), 124);
	assert_int_equal(offsetof(struct abi_attr_out, attr.flags), 100);
}

static void test_ioctls(void **state)
{
	struct iomap_abi_backing backing = { .fd = 7, .flags = IOMAP_ABI_BACKING_IOMAP };
	struct iomap_abi_backing_info info = { .backing_id = 1, .blocksize = 4096 };
	struct iomap_abi_support support = { .flags = IOMAP_ABI_SUPPORT_FILEIO |
			IOMAP_ABI_SUPPORT_ATOMIC };

	(void)state;
	check(v15_backing, NULL, 0, &backing, sizeof(backing));
	check(v15_blocksize, NULL, 0, &info, sizeof(info));
	check(v15_support, NULL, 0, &support, sizeof(support));
}

/* ---- what the client accepts (V16) ---- */

static const struct iomap_abi_map mapped = { .offset = 0x4000, .length = 0x8000, .addr = 0x100000,
	.type = IOMAP_ABI_MAPPED, .dev = 1 };

static int validate(const struct iomap_abi_map *read, const struct iomap_abi_map *write, uint64_t pos,
	bool cached)
{
	struct iomap_wire_limits limits = { .block_size = 4096, .max_size = UINT64_C(1) << 44,
		.cached = cached };
	struct iomap_abi_begin_out out = { .read = *read,
		.write = write ? *write : iomap_wire_overwrite(read) };

	return iomap_wire_check_begin(&out, pos, &limits);
}

static int validate_read(struct iomap_abi_map read)
{
	return validate(&read, NULL, 0x5000, false);
}

static void test_valid_pairs(void **state)
{
	const struct iomap_abi_map none = { 0 }, over = iomap_wire_overwrite(&mapped);
	struct iomap_abi_map elsewhere = over, retry = iomap_wire_retry(&mapped);
	struct iomap_abi_map nocache = over;

	(void)state;
	assert_int_equal(validate(&mapped, NULL, 0x5000, false), 0);
	assert_int_equal(validate(&mapped, NULL, 0x4000, false), 0);
	assert_int_equal(validate(&mapped, NULL, 0xBFFF, false), 0);
	assert_int_equal(validate(&mapped, NULL, 0xC000, false), -EUCLEAN);
	assert_int_equal(validate(&mapped, NULL, 0x3FFF, false), -EUCLEAN);
	assert_int_equal(validate(&mapped, &none, 0x5000, false), -EUCLEAN);
	elsewhere.offset = 0x8000;
	elsewhere.length = 0x1000;
	assert_int_equal(validate(&mapped, &elsewhere, 0x5000, false), -EUCLEAN);
	assert_int_equal(validate(&retry, &over, 0x5000, false), -EUCLEAN);
	assert_int_equal(validate(&retry, &over, 0x5000, true), 0);
	retry.offset = retry.length = 0;
	assert_int_equal(validate(&retry, &over, 0x5000, true), -EUCLEAN);
	nocache.type = IOMAP_ABI_NOCACHE;
	assert_int_equal(validate(&nocache, &over, 0x5000, true), -EUCLEAN);
	assert_int_equal(validate(&mapped, &nocache, 0x5000, true), -EUCLEAN);
	assert_int_equal(validate(&over, &over, 0x5000, false), -EUCLEAN);
}

static struct iomap_abi_map with(void (*change)(struct iomap_abi_map *))
{
	struct iomap_abi_map map = mapped;

	change(&map);
	return map;
}

static void no_dev(struct iomap_abi_map *map) { map->dev = 0; }
static void no_addr(struct iomap_abi_map *map) { map->addr = IOMAP_ABI_NO_ADDR; }
static void high_flag(struct iomap_abi_map *map) { map->flags = 0x100; }
static void all_flags(struct iomap_abi_map *map) { map->flags = IOMAP_ABI_F_SERVER; }
static void unknown_type(struct iomap_abi_map *map) { map->type = 5; }
static void crooked_addr(struct iomap_abi_map *map) { map->addr++; }
static void crooked_offset(struct iomap_abi_map *map) { map->offset += 512; }
static void crooked_length(struct iomap_abi_map *map) { map->length += 512; }
static void empty(struct iomap_abi_map *map) { map->length = 0; }
static void too_long(struct iomap_abi_map *map) { map->length = UINT64_MAX - 4095; }
static void addr_wraps(struct iomap_abi_map *map) { map->addr = UINT64_MAX - 0x7FFF + 0x1000; }

static void hole(struct iomap_abi_map *map)
{
	map->type = IOMAP_ABI_HOLE;
	map->addr = IOMAP_ABI_NO_ADDR;
	map->dev = 0;
}

static void hole_addr(struct iomap_abi_map *map)
{
	hole(map);
	map->addr = 0;
}

static void hole_dev(struct iomap_abi_map *map)
{
	hole(map);
	map->dev = 1;
}

static void delalloc(struct iomap_abi_map *map)
{
	hole(map);
	map->type = IOMAP_ABI_DELALLOC;
}

static void test_valid_maps(void **state)
{
	static const struct {
		void (*change)(struct iomap_abi_map *map);
		bool good;
	} cases[] = {
		{ no_dev, false }, { no_addr, false }, { high_flag, false }, { all_flags, true },
		{ unknown_type, false }, { crooked_addr, true }, { crooked_offset, false },
		{ crooked_length, false }, { empty, false }, { too_long, false },
		{ addr_wraps, false }, { hole, true }, { hole_addr, false }, { hole_dev, false },
		{ delalloc, true },
	};
	struct iomap_abi_map inl = { .length = 100, .addr = IOMAP_ABI_NO_ADDR,
		.type = IOMAP_ABI_INLINE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if ((validate_read(with(cases[i].change)) == 0) != cases[i].good)
			fail_msg("case %zu is not %s", i, cases[i].good ? "accepted" : "refused");
	assert_int_equal(validate(&inl, NULL, 0, false), -EUCLEAN);
	inl.length = 4096;
	assert_int_equal(validate(&inl, NULL, 0, false), 0);
}

/* No map begins where no file reaches. */
static void test_valid_size(void **state)
{
	struct iomap_wire_limits limits = { .block_size = 4096, .max_size = 0x4000 };
	struct iomap_abi_begin_out out = { .read = mapped, .write = iomap_wire_overwrite(&mapped) };

	(void)state;
	assert_int_equal(iomap_wire_check_begin(&out, 0x5000, &limits), -EUCLEAN);
	limits.max_size = 0x4001;
	assert_int_equal(iomap_wire_check_begin(&out, 0x5000, &limits), 0);
}

static void test_valid_upsert(void **state)
{
	struct iomap_wire_limits limits = { .block_size = 4096, .max_size = UINT64_C(1) << 44 };
	struct iomap_abi_upsert upsert = { .nodeid = 12, .attr_ino = 12, .read = mapped,
		.write = iomap_wire_nocache() };

	(void)state;
	assert_int_equal(iomap_wire_check_upsert(&upsert, &limits), 0);
	upsert.read = iomap_wire_retry(&mapped);
	assert_int_equal(iomap_wire_check_upsert(&upsert, &limits), -EUCLEAN);
	upsert.read = iomap_wire_nocache();
	assert_int_equal(iomap_wire_check_upsert(&upsert, &limits), 0);
	upsert.write = mapped;
	assert_int_equal(iomap_wire_check_upsert(&upsert, &limits), 0);
	upsert.write.length = 0;
	assert_int_equal(iomap_wire_check_upsert(&upsert, &limits), -EUCLEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_ioend),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_notifications),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_attr),
		cmocka_unit_test(test_ioctls),
		cmocka_unit_test(test_valid_pairs),
		cmocka_unit_test(test_valid_maps),
		cmocka_unit_test(test_valid_size),
		cmocka_unit_test(test_valid_upsert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
