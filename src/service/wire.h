/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a mount helper and a server without privilege say to each other: one packet of a SOCK_SEQPACKET socket is
 * one message; numbers are big-endian, texts end with a NUL and fill the packet. Pure functions: what comes from
 * the other side is hostile until it is decoded.
 */
#ifndef EXT4D_SERVICE_WIRE_H
#define EXT4D_SERVICE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/* Of the protocol; the only one there is. */
#define WIRE_PROTOCOL 1u

/* Bytes of a packet: the longest path, its NUL included, and the longest header. */
#define WIRE_MAX (4096 + 16)

/* The command line: bytes in all, words. */
#define WIRE_ARGS_MAX (128u << 10)
#define WIRE_ARGC_MAX 64u

/* Each has its four letters in the packet. */
enum wire_kind {
	WIRE_HELLO = 0x53414654,   /* helper: min, max */
	WIRE_VERSION = 0x4C415354, /* server: version */
	WIRE_FILE = 0x46494C45,	   /* helper: error, text: the path; without error, with a descriptor */
	WIRE_OPEN = 0x4F50454E,	   /* server: flags, mode, request, text: the path */
	WIRE_IOMAP = 0x494F4D41,   /* server: iomap */
	WIRE_TYPE = 0x54595045,	   /* server: text */
	WIRE_SOURCE = 0x4E414D45,  /* server: text */
	WIRE_WHERE = 0x4D4E5450,   /* server: text: the mount point */
	WIRE_OPTIONS = 0x4F505453, /* server: text, for the kernel */
	WIRE_MOUNT = 0x444F4954,   /* server: flags */
	WIRE_BYE = 0x42594545,	   /* server: error */
	WIRE_REPLY = 0x5245504C,   /* helper: error; to IOMAP up to MOUNT */
};

enum {
	WIRE_IOMAP_OPTIONAL = 0x503F,
	WIRE_IOMAP_MANDATORY = 0x5021,
};

/* OPEN's request: a regular file as a loop device. */
#define WIRE_TRY_LOOP 1u

/* The fields that are not the kind's are 0. */
struct wire_msg {
	enum wire_kind kind;
	uint32_t min, max; /* HELLO: protocols that are spoken, 16 bits */
	uint32_t version;  /* 16 bits */
	uint32_t error;	   /* a positive errno, 0: none */
	uint32_t flags;	   /* OPEN: open(2)'s, MOUNT: mount(2)'s */
	uint32_t mode;	   /* OPEN: open(2)'s */
	uint32_t request;
	uint32_t iomap;	  /* 16 bits */
	const char *text; /* NULL: the kind has none */
};

/* Of the room bytes at buf the message takes *ret_len. -ENAMETOOLONG. */
int wire_encode(const struct wire_msg *msg, void *buf, size_t room, size_t *ret_len) MUST_CHECK;

/*
 * Of a packet of len bytes; the text is left where it is. -EPROTO: no message, or one that no-one who speaks the
 * protocol sends.
 */
int wire_decode(const void *buf, size_t len, struct wire_msg *ret) MUST_CHECK;

/* A command line in one piece, which the caller frees. -E2BIG, -ENOMEM. */
int wire_args_encode(int argc, const char *const argv[], void **ret, size_t *ret_len) MUST_CHECK;

/* The other way; *ret, which the caller frees, ends with a NULL and points into buf. -EPROTO, -ENOMEM. */
int wire_args_decode(char *buf, size_t len, char ***ret, int *ret_argc) MUST_CHECK;

#endif
