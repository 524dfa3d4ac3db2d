// SPDX-License-Identifier: GPL-2.0-or-later
/* ext4ctl key add: a key from somewhere, to a mount or to the kernel's keyrings. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "ext4ctl.h"
#include "fuse/ext4d_ioctl.h"
#include "keyrings.h"
#include "keysource.h"
#include "util/parse.h"
#include "util/secret.h"

#define TIMEOUT_MAX UINT32_MAX /* seconds */

struct request {
	struct keysource source;
	bool has_source;
	struct keyrings_how how;
	bool wants_ring;	     /* an option has been given that is about keyrings */
	struct fscrypt_key_name key; /* -d: version 1; version 2: none was given */
	struct fscrypt_key_name provisioned; /* version 0: a new key is added */
	const char *kernel;	     /* a mount of the kernel's */
	const char *mount;	     /* one of ours */
};

/* ---- the command line ---- */

enum { OPT_FD = 256, OPT_FILE, OPT_PASSPHRASE, OPT_PASSPHRASE_STDIN, OPT_PARAMS, OPT_NEW, OPT_KEYRING, OPT_TIMEOUT,
	OPT_SERVER, OPT_SERIALS, OPT_KERNEL, OPT_PROVISIONED };

static const struct option options[] = {
	{ "fd", required_argument, NULL, OPT_FD },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "passphrase", no_argument, NULL, OPT_PASSPHRASE },
	{ "passphrase-stdin", no_argument, NULL, OPT_PASSPHRASE_STDIN },
	{ "params", required_argument, NULL, OPT_PARAMS },
	{ "new", no_argument, NULL, OPT_NEW },
	{ "keyring", required_argument, NULL, OPT_KEYRING },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "server", no_argument, NULL, OPT_SERVER },
	{ "serials", no_argument, NULL, OPT_SERIALS },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "provisioned", required_argument, NULL, OPT_PROVISIONED },
	{ NULL, 0, NULL, 0 },
};

static int set_source(struct request *request, enum keysource_kind kind)
{
	if (request->has_source)
		return usage("a key comes from one place");
	request->has_source = true;
	request->source.kind = kind;
	return 0;
}

static int set_fd(struct request *request, const char *value)
{
	uint64_t fd;

	if (parse_number(value, INT_MAX, &fd))
		return usage("--fd takes a number");
	request->source.fd = (int)fd;
	return set_source(request, KEYSOURCE_FD);
}

static int set_ring(struct request *request, const char *value)
{
	if (strcmp(value, "session") != 0 && strcmp(value, "user") != 0)
		return usage("--keyring takes session or user");
	request->wants_ring = true;
	request->how.ring = value[0] == 's' ? KERNELKEYS_SESSION : KERNELKEYS_USER;
	return 0;
}

static int set_timeout(struct request *request, const char *value)
{
	uint64_t seconds;

	if (parse_number(value, TIMEOUT_MAX, &seconds) || !seconds)
		return usage("--timeout takes a number of seconds");
	request->wants_ring = true;
	request->how.timeout = (unsigned)seconds;
	return 0;
}

static int set_option(struct request *request, int c, const char *value)
{
	switch (c) {
	case 'd':
		request->key.version = (uint8_t)parse_name(value, request->key.bytes);
		if (request->key.version != 1)
			return usage("a descriptor is 16 hexadecimal digits");
		return 0;
	case OPT_FD:
		return set_fd(request, value);
	case OPT_FILE:
		request->source.path = value;
		return set_source(request, KEYSOURCE_FILE);
	case OPT_PASSPHRASE:
		return set_source(request, KEYSOURCE_TERMINAL);
	case OPT_PASSPHRASE_STDIN:
		return set_source(request, KEYSOURCE_LINE);
	case OPT_PARAMS:
		request->source.params = value;
		return 0;
	case OPT_NEW:
		request->source.is_new = true;
		return 0;
	case OPT_KEYRING:
		return set_ring(request, value);
	case OPT_TIMEOUT:
		return set_timeout(request, value);
	case OPT_SERVER:
	case OPT_SERIALS:
		request->wants_ring = true;
		*(c == OPT_SERVER ? &request->how.server : &request->how.show) = true;
		return 0;
	case OPT_KERNEL:
		request->kernel = value;
		request->how.kernel = true;
		return 0;
	case OPT_PROVISIONED:
		request->provisioned.version =
			(uint8_t)parse_name(value, request->provisioned.bytes);
		if (!request->provisioned.version)
			return usage("an identifier is 32 hexadecimal digits, a descriptor 16");
		return 0;
	default:
		return usage("key add: unknown option, or one without its value");
	}
}

static int check_request(const struct request *request)
{
	bool by_passphrase = request->source.kind == KEYSOURCE_TERMINAL ||
		request->source.kind == KEYSOURCE_LINE;

	if (by_passphrase && !request->source.params)
		return usage("a passphrase takes --params FILE");
	if (!by_passphrase && request->source.params)
		return usage("--params is for passphrases");
	if (!by_passphrase && request->source.is_new)
		return usage("--new is for passphrases");
	if (request->mount && request->kernel)
		return usage("key add takes a mount point, or --kernel with one");
	if (!request->provisioned.version)
		return request->mount && request->wants_ring ?
			usage("a mount point, or options for keyrings") : 0;
	if (request->has_source || request->wants_ring || request->key.version == 1)
		return usage("--provisioned says all about the key");
	if (!request->mount && !request->kernel)
		return usage("--provisioned takes a mount point");
	return 0;
}

static int parse(int argc, char **argv, struct request *ret)
{
	int c, status = 0;

	while (!status && (c = getopt_long(argc, argv, "+d:", options, NULL)) != -1)
		status = set_option(ret, c, optarg);
	if (status)
		return status;
	if (optind < argc - 1)
		return usage("key add takes one mount point");
	ret->mount = argv[optind];
	return check_request(ret);
}

/* ---- what is done with the key ---- */

static int give_mount(const struct request *request, const struct keysource_key *key)
{
	struct ext4d_add_key *arg = secret_new(sizeof(*arg), NULL);
	int status;

	if (!arg)
		return complain(EXIT_FAILURE, "out of memory");
	arg->version = key->name.version;
	arg->raw_size = (uint32_t)key->size;
	if (key->name.version == 1)
		memcpy(arg->name, key->name.bytes, sizeof(arg->name));
	memcpy(arg->raw, key->raw, key->size);
	status = call(request->mount, EXT4D_IOC_ADD_KEY, arg);
	secret_free(arg, sizeof(*arg));
	return status;
}

static const char *explain(int error)
{
	switch (error) {
	case ENOTTY:
		return "not on a mount that takes keys";
	case EOPNOTSUPP:
		return "the filesystem is without the encrypt feature";
	case ENOKEY:
	case EACCES:
		return "the server may not see or read that key, or you may not add it";
	case EKEYREJECTED:
		return "what the keyring has under this name is another key";
	case EEXIST:
		return "the mount has another key of that descriptor";
	case EKEYEXPIRED:
	case EKEYREVOKED:
		return "the key has gone from the keyring";
	default:
		return strerror(error);
	}
}

static int open_mount(const char *mount)
{
	return open(mount, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* The kernel's own ioctl, which a mount of ours answers too. */
static int give_serial(const char *mount, const struct fscrypt_key_name *name, int32_t serial)
{
	CLEANUP(cleanup_close) int fd = open_mount(mount);
	struct fscrypt_add_key_arg arg = { .key_id = (uint32_t)serial };
	int error = 0;

	arg.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
	if (name->version == 1) {
		arg.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_DESCRIPTOR;
		memcpy(arg.key_spec.u.descriptor, name->bytes, sizeof(arg.key_spec.u.descriptor));
	}
	if (fd < 0)
		return complain(EXIT_FAILURE, "%s: %s", mount, strerror(errno));
	if (ioctl(fd, FS_IOC_ADD_ENCRYPTION_KEY, &arg))
		error = errno;
	/* the kernel says what it has added, whatever that key is called in the keyring */
	else if (name->version == 2 &&
		memcmp(arg.key_spec.u.identifier, name->bytes, sizeof(arg.key_spec.u.identifier)) != 0)
		error = EKEYREJECTED;
	return error ? complain(EXIT_FAILURE, "%s: %s", mount, explain(error)) : 0;
}

/* Whether a mount of the kernel's could use keys at all, which are not handed to it. */
static int check_kernel(const char *mount)
{
	CLEANUP(cleanup_close) int fd = open_mount(mount);
	struct fscrypt_get_policy_ex_arg arg = { .policy_size = sizeof(arg.policy) };

	if (fd < 0)
		return complain(EXIT_FAILURE, "%s: %s", mount, strerror(errno));
	if (ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &arg) && errno != ENODATA)
		return complain(EXIT_FAILURE, "%s: %s", mount, explain(errno));
	return 0;
}

/* For version 1 the kernel looks into the keyrings of whoever opens a file, and wants nothing else. */
static int give_kernel(const char *mount, const struct fscrypt_key_name *name, int32_t serial)
{
	return name->version == 2 ? give_serial(mount, name, serial) : check_kernel(mount);
}

static int give_provisioned(const struct request *request)
{
	const struct fscrypt_key_name *name = &request->provisioned;
	bool for_kernel = request->kernel;
	int32_t serial;
	int status = keyrings_find(name, for_kernel, &serial);

	if (status)
		return status;
	return for_kernel ? give_kernel(request->kernel, name, serial) :
			    give_serial(request->mount, name, serial);
}

static int add_new(const struct request *request, struct keysource_key *key)
{
	struct keyrings_made made;
	int status = keysource_read(&request->source, key);

	if (status)
		return status;
	if (request->mount)
		return give_mount(request, key);
	status = keyrings_make(&request->how, key, &made);
	/* whatever may fail comes before others see the keys */
	if (!status && request->kernel)
		status = give_kernel(request->kernel, &key->name, made.for_kernel);
	return status ? status : keyrings_publish(&request->how, &made);
}

/* Neither a core dump nor another process of ours shows it. */
static int guard(void)
{
	const struct rlimit none = { 0, 0 };
	int err = secret_guard_process();

	if (!err && setrlimit(RLIMIT_CORE, &none))
		err = -errno;
	return err ? complain(EXIT_FAILURE, "core dumps cannot be turned off: %s", strerror(-err)) : 0;
}

int key_add(int argc, char **argv)
{
	struct request request = {
		.source = { .kind = KEYSOURCE_FD, .fd = STDIN_FILENO },
		.how = { .ring = KERNELKEYS_USER },
		.key = { .version = 2 },
	};
	struct fscrypt_key_name name;
	struct keysource_key *key;
	int status = parse(argc, argv, &request);

	if (!status)
		status = guard();
	if (status)
		return status;
	key = secret_new(sizeof(*key), NULL);
	if (!key)
		return complain(EXIT_FAILURE, "out of memory");
	key->name = request.key;
	status = request.provisioned.version ? give_provisioned(&request) : add_new(&request, key);
	name = request.provisioned.version ? request.provisioned : key->name;
	secret_free(key, sizeof(*key));
	if (!status)
		print_name(name.version, name.bytes);
	return status;
}
