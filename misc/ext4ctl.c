// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ext4ctl: keys and policies of a mount's encrypted directories, by the ioctls of ext4d_ioctl.h, and keys in the
 * kernel's keyrings. This file is the command line and what the commands share, ext4ctl.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ext4ctl.h"

static const char help[] =
	"usage: ext4ctl key add [-d DESCRIPTOR] [SOURCE] MOUNTPOINT\n"
	"       ext4ctl key add [-d DESCRIPTOR] [SOURCE] [--keyring session|user]\n"
	"                       [--server] [--timeout SECONDS] [--serials]\n"
	"                       [--kernel MOUNTPOINT]\n"
	"       ext4ctl key add --provisioned KEY [--kernel] MOUNTPOINT\n"
	"       ext4ctl key list\n"
	"       ext4ctl key forget KEY\n"
	"       ext4ctl policy get PATH\n"
	"       ext4ctl policy set [HOW] DIRECTORY IDENTIFIER\n"
	"\n"
	"Keys and policies of encrypted directories on a mount of ext4d.\n"
	"\n"
	"  key add     gives a mount a key, or without MOUNTPOINT puts it into a keyring;\n"
	"              prints its identifier. -d: for policies of version 1, which call\n"
	"              the key DESCRIPTOR, 16 hexadecimal digits\n"
	"    SOURCE is standard input with the raw key, 16 to 64 bytes, or\n"
	"      --fd N, --file PATH   the raw key from there\n"
	"      --passphrase          from the terminal; --params FILE has the salt,\n"
	"                            --new makes that file\n"
	"      --passphrase-stdin    the same from standard input, a line\n"
	"    --keyring HOW           the session's, or the user's (default)\n"
	"    --server                so that a server of ext4d finds it, too\n"
	"    --timeout SECONDS       until it goes by itself\n"
	"    --serials               print what was put where\n"
	"    --kernel MOUNTPOINT     give it to that mount of the kernel's, too\n"
	"    --provisioned KEY       give a mount what the keyrings have\n"
	"  key list    prints the keys in the keyrings\n"
	"  key forget  takes the key of that identifier or descriptor out of them\n"
	"  policy get  prints the policy that PATH is under\n"
	"  policy set  encrypts the empty DIRECTORY with the key of that identifier (32\n"
	"              hexadecimal digits), or of that descriptor (16 digits). HOW:\n"
	"    --contents MODE         AES-256-XTS (default), AES-128-CBC, Adiantum\n"
	"    --names MODE            AES-256-CTS (default), AES-256-HCTR2, AES-128-CTS,\n"
	"                            Adiantum\n"
	"    --padding BYTES         of names: 4, 8, 16 or 32 (default)\n"
	"    --data-unit BYTES       what is encrypted at a time, by default a block\n"
	"    --direct-key, --iv-ino-lblk-64, --iv-ino-lblk-32  one key for many files\n"
	"\n"
	"Ends with 0, 1 if it failed, 2 if it was called in a wrong way. See ext4ctl(1).\n";

int complain(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("ext4ctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

int usage(const char *what)
{
	return complain(EXIT_USAGE, "%s; see ext4ctl --help", what);
}

/* ---- names of keys ---- */

void print_name(unsigned version, const __u8 *name)
{
	for (int i = 0; i < (version == 1 ? EXT4D_DESCRIPTOR : EXT4D_KEY_NAME); i++)
		printf("%02x", name[i]);
	printf("\n");
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

unsigned parse_name(const char *text, __u8 ret[EXT4D_KEY_NAME])
{
	size_t len = strlen(text);

	if (len != 2 * EXT4D_DESCRIPTOR && len != 2 * EXT4D_KEY_NAME)
		return 0;
	memset(ret, 0, EXT4D_KEY_NAME);
	for (size_t i = 0; i < len; i++) {
		int value = digit(text[i]);

		if (value < 0)
			return 0;
		ret[i / 2] = (__u8)(ret[i / 2] << 4 | value);
	}
	return len == 2 * EXT4D_DESCRIPTOR ? 1 : 2;
}

/* ---- calling the server ---- */

/* What went wrong with path, where the errno alone would say too little. */
static const char *explain(unsigned long cmd, int error)
{
	switch (error) {
	case ENOTTY:
		return "not on a mount of ext4d, or of one that is too old";
	case EOPNOTSUPP:
		return "the filesystem is without the encrypt feature, or the directory ignores case";
	case ENODATA:
		return "not encrypted";
	case EEXIST:
		return cmd == EXT4D_IOC_ADD_KEY ? "the mount has another key of that descriptor" :
						  "under another policy already";
	case ENOKEY:
		return "the mount has not been given that key";
	case EDQUOT:
		return "the mount has too many keys";
	default:
		return strerror(error);
	}
}

int call(const char *path, unsigned long cmd, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = 0;

	if (fd < 0)
		return complain(EXIT_FAILURE, "%s: %s", path, strerror(errno));
	if (ioctl(fd, cmd, arg))
		error = errno;
	close(fd);
	return error ? complain(EXIT_FAILURE, "%s: %s", path, explain(cmd, error)) : 0;
}

static const struct {
	const char *object, *verb;
	int (*run)(int argc, char **argv); /* argv[0] is the verb */
} commands[] = {
	{ "key", "add", key_add },
	{ "key", "forget", keyrings_forget },
	{ "key", "list", keyrings_list },
	{ "policy", "get", policy_get },
	{ "policy", "set", policy_set },
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return fflush(stdout) ? complain(EXIT_FAILURE, "%s", strerror(errno)) : 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("ext4ctl " PACKAGE_VERSION);
		return 0;
	}
	opterr = 0;
	for (size_t i = 0; argc > 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		int status;

		if (strcmp(argv[1], commands[i].object) != 0 || strcmp(argv[2], commands[i].verb) != 0)
			continue;
		status = commands[i].run(argc - 2, argv + 2);
		if (!status && fflush(stdout))
			status = complain(EXIT_FAILURE, "standard output: %s", strerror(errno));
		return status;
	}
	return usage("no such command");
}
