// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "service/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* More than one is an error, and has to be closed all the same. */
#define FDS_MAX 8

uint64_t channel_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Until the socket is ready for events, or until is past. */
static int wait_for(int sock, short events, uint64_t until)
{
	struct pollfd pfd = { .fd = sock, .events = events };
	int got;

	do {
		uint64_t now = channel_now_ms();

		got = poll(&pfd, 1, now < until ? (int)(until - now) : 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got ? 0 : -ETIMEDOUT;
}

int channel_send(int sock, const struct wire_msg *msg, int fd, unsigned limit_ms)
{
	const uint64_t until = channel_now_ms() + limit_ms;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char bytes[WIRE_MAX];
	struct iovec iov = { .iov_base = bytes };
	struct msghdr head = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	int err = wire_encode(msg, bytes, sizeof(bytes), &iov.iov_len);

	if (err)
		return err;
	if (fd >= 0) {
		head.msg_control = control.bytes;
		head.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&head);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	/* a packet goes whole or not at all */
	while (sendmsg(sock, &head, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		err = errno == EAGAIN ? wait_for(sock, POLLOUT, until) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* Takes the descriptors out of head: the first is kept in *ret, -1 if none; more are closed. Returns how many came. */
static unsigned take_fds(struct msghdr *head, int *ret)
{
	unsigned nr = 0;

	*ret = -1;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(head); cmsg; cmsg = CMSG_NXTHDR(head, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (nr++)
				close(fd);
			else
				*ret = fd;
		}
	}
	return nr;
}

int channel_receive(int sock, struct channel_packet *ret, unsigned limit_ms)
{
	const uint64_t until = channel_now_ms() + limit_ms;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = ret->bytes, .iov_len = sizeof(ret->bytes) };
	struct msghdr head = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned nr;
	ssize_t got;
	int err;

	ret->fd = -1;
	do {
		err = wait_for(sock, POLLIN, until);
		if (err)
			return err;
		head.msg_control = control.bytes;
		head.msg_controllen = sizeof(control.bytes);
		got = recvmsg(sock, &head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		return -errno;
	nr = take_fds(&head, &ret->fd);
	if (got == 0 && !nr)
		return -ECONNRESET;
	err = wire_decode(ret->bytes, (size_t)got, &ret->msg);
	if (!err && (nr > 1 || head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		err = -EPROTO;
	if (err && ret->fd >= 0) {
		close(ret->fd);
		ret->fd = -1;
	}
	return err;
}
