/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages and descriptors over the socket between mount helper and server. Nobody waits for ever. */
#ifndef EXT4D_SERVICE_CHANNEL_H
#define EXT4D_SERVICE_CHANNEL_H

#include "service/wire.h"

/* A message that came, with the packet its text lies in. */
struct channel_packet {
	struct wire_msg msg;
	int fd; /* came with it, the caller's to close; -1: none */
	char bytes[WIRE_MAX];
};

/* Sends msg, and a duplicate of the descriptor fd unless -1. -EPIPE or -ECONNRESET: the other side has gone. */
int channel_send(int sock, const struct wire_msg *msg, int fd, unsigned limit_ms) MUST_CHECK;

/*
 * Waits for a message for so many milliseconds. -ETIMEDOUT, -ECONNRESET: the other side has gone, -EPROTO: what came
 * is no message, or came with more than one descriptor. On failure no descriptor is left.
 */
int channel_receive(int sock, struct channel_packet *ret, unsigned limit_ms) MUST_CHECK;

/* Of a clock that only goes on. */
uint64_t channel_now_ms(void);

#endif
