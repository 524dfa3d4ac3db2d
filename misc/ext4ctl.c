// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ext4ctl: keys and policies of a mount's encrypted directories, by the ioctls of ext4d_ioctl.h. Needs nothing of
 * the server's code. Keys come by standard input, never by the command line, which all may read.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fuse/ext4d_ioctl.h"

#define EXIT_USAGE 2
#define KEY_MIN 16 /* bytes */

static const char help[] =
	"usage: ext4ctl key add [-d DESCRIPTOR] MOUNTPOINT\n"
	"       ext4ctl policy get PATH\n"
	"       ext4ctl policy set DIRECTORY IDENTIFIER\n"
	"\n"
	"Keys and policies of encrypted directories on a mount of ext4d.\n"
	"\n"
	"  key add     gives the mount the raw key that comes by standard input, 16 to 64\n"
	"              bytes, and prints its identifier. -d: for policies of version 1,\n"
	"              which call the key DESCRIPTOR, 16 hexadecimal digits\n"
	"  policy get  prints the policy that PATH is under\n"
	"  policy set  encrypts the empty DIRECTORY, contents by AES-256-XTS and names by\n"
	"              AES-256-CTS, with the key of that identifier (32 hexadecimal digits),\n"
	"              or of that descriptor (16 digits)\n"
	"\n"
	"Ends with 0, 1 if it failed, 2 if it was called in a wrong way. See ext4ctl(1).\n";

static int complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int complain(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("ext4ctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

static int usage(const char *what)
{
	return complain(EXIT_USAGE, "%s; see ext4ctl --help", what);
}

/* ---- names of keys ---- */

static void print_name(unsigned version, const __u8 *name)
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

/* Returns the version of policies that use such a name, 0 for none. */
static unsigned parse_name(const char *text, __u8 ret[EXT4D_KEY_NAME])
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
static const char *explain(int error)
{
	switch (error) {
	case ENOTTY:
		return "not on a mount of ext4d, or of one that is too old";
	case EOPNOTSUPP:
		return "the filesystem is without the encrypt feature, or the directory ignores case";
	case ENODATA:
		return "not encrypted";
	case EEXIST:
		return "under another policy already";
	case ENOKEY:
		return "the mount has not been given that key";
	case EDQUOT:
		return "the mount has too many keys";
	default:
		return strerror(error);
	}
}

static int call(const char *path, unsigned long cmd, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = 0;

	if (fd < 0)
		return complain(EXIT_FAILURE, "%s: %s", path, strerror(errno));
	if (ioctl(fd, cmd, arg))
		error = errno;
	close(fd);
	return error ? complain(EXIT_FAILURE, "%s: %s", path, explain(error)) : 0;
}

/* ---- key add ---- */

/* All of standard input; one byte more than a key may have shows that there are more. */
static int read_key(struct ext4d_add_key *key)
{
	__u8 more;
	ssize_t got;

	do {
		bool full = key->raw_size == EXT4D_KEY_MAX;

		got = read(STDIN_FILENO, full ? &more : key->raw + key->raw_size,
			full ? 1 : EXT4D_KEY_MAX - key->raw_size);
		if (got > 0 && full)
			return complain(EXIT_FAILURE, "a key has at most %d bytes", EXT4D_KEY_MAX);
		if (got > 0)
			key->raw_size += (__u32)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return complain(EXIT_FAILURE, "standard input: %s", strerror(errno));
	if (key->raw_size < KEY_MIN)
		return complain(EXIT_FAILURE, "a key has at least %d bytes, not %u", KEY_MIN,
			key->raw_size);
	return 0;
}

static int key_add(int argc, char **argv)
{
	struct ext4d_add_key key = { .version = 2 };
	int c, status;

	while ((c = getopt(argc, argv, "+d:")) == 'd') {
		if (parse_name(optarg, key.name) != 1)
			return usage("a descriptor is 16 hexadecimal digits");
		key.version = 1;
	}
	if (c != -1 || optind != argc - 1)
		return usage("key add takes a mount point");
	/* neither a core dump nor another process of ours shows it */
	if (prctl(PR_SET_DUMPABLE, 0))
		return complain(EXIT_FAILURE, "prctl: %s", strerror(errno));
	status = read_key(&key);
	if (!status)
		status = call(argv[optind], EXT4D_IOC_ADD_KEY, &key);
	OPENSSL_cleanse(key.raw, sizeof(key.raw));
	if (!status)
		print_name(key.version, key.name);
	return status;
}

/* ---- policies ---- */

static int policy_get(int argc, char **argv)
{
	struct ext4d_policy policy = { 0 };
	int status;

	if (argc != 2)
		return usage("policy get takes a path");
	status = call(argv[1], EXT4D_IOC_GET_POLICY, &policy);
	if (status)
		return status;
	printf("version %u\ncontents mode %u\nnames mode %u\nflags 0x%02x\n", policy.version,
		policy.contents_mode, policy.names_mode, policy.flags);
	if (policy.unit_bits)
		printf("data unit %u\n", 1u << (policy.unit_bits & 31));
	printf("key ");
	print_name(policy.version, policy.name);
	return 0;
}

static int policy_set(int argc, char **argv)
{
	struct ext4d_policy policy = {
		.contents_mode = FSCRYPT_MODE_AES_256_XTS,
		.names_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};

	if (argc != 3)
		return usage("policy set takes a directory and the identifier of a key");
	policy.version = (__u8)parse_name(argv[2], policy.name);
	if (!policy.version)
		return usage("an identifier is 32 hexadecimal digits, a descriptor 16");
	return call(argv[1], EXT4D_IOC_SET_POLICY, &policy);
}

static const struct {
	const char *object, *verb;
	int (*run)(int argc, char **argv); /* argv[0] is the verb */
} commands[] = {
	{ "key", "add", key_add },
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
