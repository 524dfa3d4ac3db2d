// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "ext4ctl.h"
#include "util/secret.h"

#define SECRET_SIZE (PASSPHRASE_MAX + 1)

/* A terminal without echo, and the signals that would end us before it is put right again. */
struct prompt {
	int tty, signals;
	struct termios before;
	sigset_t mask;
};

static int prompt_start(struct prompt *prompt)
{
	struct termios quiet;
	sigset_t ours;

	prompt->tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (prompt->tty < 0 || tcgetattr(prompt->tty, &prompt->before))
		return -errno;
	sigemptyset(&ours);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGQUIT);
	sigaddset(&ours, SIGTERM);
	prompt->signals = signalfd(-1, &ours, SFD_CLOEXEC);
	if (prompt->signals < 0)
		return -errno;
	sigaddset(&ours, SIGTSTP); /* waits until the echo is back */
	sigprocmask(SIG_BLOCK, &ours, &prompt->mask);
	quiet = prompt->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON;
	quiet.c_iflag |= ICRNL;
	/* flushed: what was typed before was shown */
	return tcsetattr(prompt->tty, TCSAFLUSH, &quiet) ? -errno : 0;
}

static void prompt_stop(struct prompt *prompt)
{
	if (prompt->signals >= 0) {
		(void)tcsetattr(prompt->tty, TCSAFLUSH, &prompt->before);
		close(prompt->signals);
		/* what has arrived meanwhile ends us here */
		sigprocmask(SIG_SETMASK, &prompt->mask, NULL);
	}
	if (prompt->tty >= 0)
		close(prompt->tty);
}

static int write_text(int fd, const char *text)
{
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* -EINTR: a signal is waiting. */
static int wait_for_input(const struct prompt *prompt)
{
	struct pollfd fds[] = {
		{ .fd = prompt->signals, .events = POLLIN },
		{ .fd = prompt->tty, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return fds[0].revents ? -EINTR : 0;
}

/*
 * A line, the newline off. signals of prompt are minded, if it is not NULL. -ENODATA: nothing, -EFBIG: too long.
 */
static int read_line(int fd, const struct prompt *prompt, char *secret, size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		int err = prompt ? wait_for_input(prompt) : 0;
		ssize_t got;

		if (err)
			return err;
		got = read(fd, secret + len, 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0 || (got > 0 && secret[len] == '\n'))
			break;
		if (got > 0 && ++len > PASSPHRASE_MAX)
			return -EFBIG;
	}
	*ret_len = len;
	return len ? 0 : -ENODATA;
}

static int ask(const struct prompt *prompt, const char *question, char *secret, size_t *ret_len)
{
	int err = write_text(prompt->tty, question);

	if (!err)
		err = read_line(prompt->tty, prompt, secret, ret_len);
	(void)write_text(prompt->tty, "\n");
	return err;
}

/* -EKEYREJECTED: the two are not the same. */
static int ask_again(const struct prompt *prompt, const char *secret, size_t len)
{
	char *again = secret_new(SECRET_SIZE, NULL);
	size_t again_len = 0;
	int err = again ? ask(prompt, "The same again: ", again, &again_len) : -ENOMEM;

	if (!err && (again_len != len || memcmp(again, secret, len) != 0))
		err = -EKEYREJECTED;
	secret_free(again, SECRET_SIZE);
	return err;
}

static int read_terminal(bool is_new, char *secret, size_t *ret_len)
{
	struct prompt prompt = { .tty = -1, .signals = -1 };
	int err = prompt_start(&prompt);

	if (!err)
		err = ask(&prompt, is_new ? "New passphrase: " : "Passphrase: ", secret, ret_len);
	if (!err && is_new)
		err = ask_again(&prompt, secret, *ret_len);
	prompt_stop(&prompt);
	return err;
}

/* More than a line is something else than a passphrase. */
static int read_stdin(char *secret, size_t *ret_len)
{
	int err = read_line(STDIN_FILENO, NULL, secret, ret_len);
	ssize_t got;
	char more;

	if (err)
		return err;
	do
		got = read(STDIN_FILENO, &more, 1);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got ? -E2BIG : 0;
}

int passphrase_read(bool terminal, bool is_new, char *secret, size_t *ret_len)
{
	int err = terminal ? read_terminal(is_new, secret, ret_len) : read_stdin(secret, ret_len);

	switch (err) {
	case 0:
		return 0;
	case -ENODATA:
		return complain(EXIT_FAILURE, "the passphrase is empty");
	case -EFBIG:
		return complain(EXIT_FAILURE, "a passphrase has at most %d bytes", PASSPHRASE_MAX);
	case -E2BIG:
		return complain(EXIT_FAILURE, "standard input: more than one line");
	case -EKEYREJECTED:
		return complain(EXIT_FAILURE, "the two passphrases are not the same");
	case -ENXIO:
		return complain(EXIT_FAILURE, "no terminal to ask for the passphrase; --passphrase-stdin "
						  "takes it from standard input");
	default:
		return complain(EXIT_FAILURE, "%s: %s", terminal ? "terminal" : "standard input",
			strerror(-err));
	}
}
