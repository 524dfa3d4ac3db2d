// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "service/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* ---- numbers ---- */

static uint32_t get(const uint8_t *at, unsigned width)
{
	uint32_t value = 0;

	while (width--)
		value = value << 8 | *at++;
	return value;
}

static void put(uint8_t *at, unsigned width, uint32_t value)
{
	while (width--) {
		at[width] = (uint8_t)value;
		value >>= 8;
	}
}

/* ---- messages ---- */

struct field {
	uint8_t at, width; /* in the packet, bytes; 0: no more fields */
	size_t member;	   /* a uint32_t of struct wire_msg */
};

#define FIELD(at, width, name) { at, width, offsetof(struct wire_msg, name) }

static const struct layout {
	enum wire_kind kind;
	bool text;
	size_t size; /* without the text */
	struct field fields[4];
} layouts[] = {
	{ WIRE_HELLO, false, 8, { FIELD(4, 2, min), FIELD(6, 2, max) } },
	{ WIRE_VERSION, false, 8, { FIELD(4, 2, version) } },
	{ WIRE_FILE, true, 8, { FIELD(4, 4, error) } },
	{ WIRE_OPEN, true, 16, { FIELD(4, 4, flags), FIELD(8, 4, mode), FIELD(12, 4, request) } },
	{ WIRE_IOMAP, false, 8, { FIELD(4, 2, iomap) } },
	{ WIRE_TYPE, true, 4, { { 0 } } },
	{ WIRE_SOURCE, true, 4, { { 0 } } },
	{ WIRE_WHERE, true, 4, { { 0 } } },
	{ WIRE_OPTIONS, true, 4, { { 0 } } },
	{ WIRE_MOUNT, false, 8, { FIELD(4, 4, flags) } },
	{ WIRE_BYE, false, 8, { FIELD(4, 4, error) } },
	{ WIRE_REPLY, false, 8, { FIELD(4, 4, error) } },
};

static const struct layout *find_layout(uint32_t kind)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].kind == kind)
			return &layouts[i];
	return NULL;
}

int wire_encode(const struct wire_msg *msg, void *buf, size_t room, size_t *ret_len)
{
	const struct layout *layout = find_layout(msg->kind);
	size_t text = layout && layout->text ? strlen(msg->text) + 1 : 0;
	uint8_t *out = buf;

	if (!layout)
		return -EINVAL;
	if (room < layout->size || text > room - layout->size)
		return -ENAMETOOLONG;
	memset(out, 0, layout->size);
	put(out, 4, msg->kind);
	for (const struct field *field = layout->fields; field->width; field++)
		put(out + field->at, field->width, *(const uint32_t *)((const char *)msg + field->member));
	if (text)
		memcpy(out + layout->size, msg->text, text);
	*ret_len = layout->size + text;
	return 0;
}

/* Whether the len bytes at text are one text. */
static bool is_text(const uint8_t *text, size_t len)
{
	return len && memchr(text, '\0', len) == text + len - 1;
}

int wire_decode(const void *buf, size_t len, struct wire_msg *ret)
{
	const struct layout *layout = len >= 4 ? find_layout(get(buf, 4)) : NULL;
	const uint8_t *in = buf;

	if (!layout || len < layout->size)
		return -EPROTO;
	if (layout->text ? !is_text(in + layout->size, len - layout->size) : len != layout->size)
		return -EPROTO;
	memset(ret, 0, sizeof(*ret));
	ret->kind = layout->kind;
	for (const struct field *field = layout->fields; field->width; field++)
		*(uint32_t *)((char *)ret + field->member) = get(in + field->at, field->width);
	if (layout->text)
		ret->text = (const char *)in + layout->size;
	return 0;
}

/* ---- the command line ---- */

/*
 * 0 "ARGS", 4 the number of words, 8 for each of them, 8 bytes apart: where it begins, and its length with the
 * NUL.
 */
enum { ARGS_MAGIC = 0x41524753, ARGS_HEAD = 8, ARGS_ENTRY = 8 };

int wire_args_encode(int argc, const char *const argv[], void **ret, size_t *ret_len)
{
	size_t at = ARGS_HEAD + (size_t)argc * ARGS_ENTRY, len = at;
	uint8_t *out;

	if (argc < 1 || (unsigned)argc > WIRE_ARGC_MAX)
		return -E2BIG;
	for (int i = 0; i < argc; i++)
		len += strlen(argv[i]) + 1;
	if (len > WIRE_ARGS_MAX)
		return -E2BIG;
	out = malloc(len);
	if (!out)
		return -ENOMEM;
	put(out, 4, ARGS_MAGIC);
	put(out + 4, 4, (uint32_t)argc);
	for (int i = 0; i < argc; i++) {
		size_t size = strlen(argv[i]) + 1;
		uint8_t *entry = out + ARGS_HEAD + (size_t)i * ARGS_ENTRY;

		put(entry, 4, (uint32_t)at);
		put(entry + 4, 4, (uint32_t)size);
		memcpy(out + at, argv[i], size);
		at += size;
	}
	*ret = out;
	*ret_len = len;
	return 0;
}

int wire_args_decode(char *buf, size_t len, char ***ret, int *ret_argc)
{
	const uint8_t *in = (const uint8_t *)buf;
	uint32_t argc;
	char **argv;

	if (len < ARGS_HEAD || get(in, 4) != ARGS_MAGIC)
		return -EPROTO;
	argc = get(in + 4, 4);
	if (argc < 1 || argc > WIRE_ARGC_MAX || argc > (len - ARGS_HEAD) / ARGS_ENTRY)
		return -EPROTO;
	argv = calloc(argc + 1, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	for (uint32_t i = 0; i < argc; i++) {
		const uint8_t *entry = in + ARGS_HEAD + i * ARGS_ENTRY;
		uint32_t at = get(entry, 4), size = get(entry + 4, 4);

		if (at > len || size > len - at || !is_text(in + at, size)) {
			free(argv);
			return -EPROTO;
		}
		argv[i] = buf + at;
	}
	*ret = argv;
	*ret_argc = (int)argc;
	return 0;
}
