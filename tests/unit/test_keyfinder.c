// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys in the kernel's keyrings, as a server looks for them. All happens in a session keyring of the test's own, which
 * ends with it.
 */
#include "config.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "need.h"

#include "crypt/provisioned.h"
#include "fuse/keyfinder.h"
#include "util/kernelkeys.h"
#include "util/secret.h"

static uint8_t raw_key[MASTERKEY_MAX]; /* this process's, as the user's keyring has those of others */
static bool has_keyrings;
static const struct fscrypt_key_name descriptor = { .version = 1, .bytes = { 1, 2, 3, 4, 5, 6, 7, 8 } };

static struct fscrypt_key_name identifier(void)
{
	struct fscrypt_key_name name = { .version = 2 };

	assert_int_equal(masterkey_identify(raw_key, sizeof(raw_key), name.bytes), 0);
	return name;
}

static int32_t add(const char *type, const char *description, const void *payload, size_t len)
{
	int32_t serial;

	assert_int_equal(kernelkeys_add(type, description, payload, len, &serial), 0);
	assert_int_equal(kernelkeys_link(serial, KERNELKEYS_SESSION), 0);
	return serial;
}

#define POSSESSOR_PERM 0x3b000000 /* all but writing */

static int32_t add_named(const struct fscrypt_key_name *name, const void *payload, size_t len)
{
	char text[PROVISIONED_NAME];
	int32_t serial;

	provisioned_name(name, text);
	serial = add(PROVISIONED_TYPE, text, payload, len);
	assert_int_equal(kernelkeys_set_perm(serial, POSSESSOR_PERM), 0);
	/* to be replaced by another one, and not written */
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_THREAD_KEYRING), 0);
	return serial;
}

static int setup(void **state)
{
	const pid_t pid = getpid();

	(void)state;
	memcpy(raw_key, &pid, sizeof(pid));
	/* containers may be without */
	has_keyrings = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0;
	return 0;
}

#define NEED_KEYRINGS() need(has_keyrings, "the kernel's keyrings (keyctl(2))")

/* Each test begins with nothing. */
static int clear(void **state)
{
	(void)state;
	if (!has_keyrings)
		return 0;
	(void)syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_THREAD_KEYRING);
	return syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_SESSION_KEYRING) ? -1 : 0;
}

static void test_names(void **state)
{
	char text[PROVISIONED_NAME];
	struct fscrypt_key_name name = { .version = 2, .bytes = { 0xab, [15] = 0x0c } };

	(void)state;
	provisioned_name(&name, text);
	assert_string_equal(text, "ext4d:ab00000000000000000000000000000c");
	provisioned_name(&descriptor, text);
	assert_string_equal(text, "ext4d:0102030405060708");
}

static void check_found(const struct fscrypt_key_name *name)
{
	uint8_t raw[MASTERKEY_MAX] = { 0 };
	size_t size = 0;

	assert_int_equal(provisioned_find(name, raw, &size), 0);
	assert_int_equal(size, sizeof(raw_key));
	assert_memory_equal(raw, raw_key, sizeof(raw_key));
}

static void test_find(void **state)
{
	struct fscrypt_key_name name = identifier(), other = name;
	uint8_t raw[MASTERKEY_MAX + 1] = { 0 };
	size_t size;

	(void)state;
	NEED_KEYRINGS();
	assert_int_equal(provisioned_find(&name, raw, &size), -ENOKEY);
	assert_int_equal(provisioned_find(&descriptor, raw, &size), -ENOKEY);
	add_named(&name, raw_key, sizeof(raw_key));
	add_named(&descriptor, raw_key, sizeof(raw_key));
	check_found(&name);
	check_found(&descriptor);
	/* it is not what it is called after, or cannot be a key */
	other.bytes[3] ^= 1;
	add_named(&other, raw_key, sizeof(raw_key));
	assert_int_equal(provisioned_find(&other, raw, &size), -ENOKEY);
	add_named(&descriptor, raw_key, MASTERKEY_MIN - 1);
	assert_int_equal(provisioned_find(&descriptor, raw, &size), -ENOKEY);
	add_named(&descriptor, raw, MASTERKEY_MAX + 1);
	assert_int_equal(provisioned_find(&descriptor, raw, &size), -ENOKEY);
}

/* Of version 1 what somebody may have written is not taken; of version 2 the identifier would tell. */
static void test_writable(void **state)
{
	struct fscrypt_key_name name = identifier();
	const uint32_t writes[] = { 0x04000000, 0x00040000, 0x00000400, 0x00000004 };
	uint8_t raw[MASTERKEY_MAX];
	int32_t v1, v2;
	size_t size;

	(void)state;
	NEED_KEYRINGS();
	v1 = add_named(&descriptor, raw_key, sizeof(raw_key));
	v2 = add_named(&name, raw_key, sizeof(raw_key));
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		assert_int_equal(kernelkeys_set_perm(v1, POSSESSOR_PERM | writes[i]), 0);
		assert_int_equal(kernelkeys_set_perm(v2, POSSESSOR_PERM | writes[i]), 0);
		assert_int_equal(provisioned_find(&descriptor, raw, &size), -ENOKEY);
		check_found(&name);
	}
}

/* What another user has put into a session that we share, each version in the ring that is looked at first. */
static void test_foreign(void **state)
{
	struct fscrypt_key_name name = identifier();
	uint8_t raw[MASTERKEY_MAX];
	int32_t serials[2];
	size_t size;

	(void)state;
	NEED_KEYRINGS();
	need(geteuid() == 0, "root, to be another user");
	serials[0] = add_named(&name, raw_key, sizeof(raw_key));
	serials[1] = add_named(&descriptor, raw_key, sizeof(raw_key));
	check_found(&name);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(syscall(SYS_keyctl, KEYCTL_CHOWN, serials[i], 65533, -1), 0);
	assert_int_equal(provisioned_find(&name, raw, &size), -ENOKEY);
	assert_int_equal(provisioned_find(&descriptor, raw, &size), -ENOKEY);
}

static int read_serial(int32_t serial, uint32_t uid, bool may_all, struct fscrypt_key_name *name)
{
	uint8_t raw[MASTERKEY_MAX];
	size_t size;
	int err = provisioned_read(serial, uid, may_all, name, raw, &size);

	if (!err)
		assert_memory_equal(raw, raw_key, sizeof(raw_key));
	return err;
}

static void test_read(void **state)
{
	struct fscrypt_key_name name = identifier(), got = { .version = 2 }, wrong = { .version = 1 };
	const uint32_t us = geteuid();
	int32_t good, v1;

	(void)state;
	NEED_KEYRINGS();
	good = add_named(&name, raw_key, sizeof(raw_key));
	assert_int_equal(read_serial(good, us, false, &got), 0);
	assert_memory_equal(&got, &name, sizeof(name));
	/* another user's, unless that may all */
	assert_int_equal(read_serial(good, us + 1, false, &got), -EACCES);
	assert_int_equal(read_serial(good, us + 1, true, &got), 0);
	/* nor of what kind it is */
	assert_int_equal(read_serial(add("user", "another's password", "x", 1), us + 1, false, &got), -EACCES);
	assert_int_equal(read_serial(add("user", "our password", "x", 1), us, false, &got), -EACCES);
	/* a key of version 2 is none of version 1 */
	assert_int_equal(read_serial(good, us, true, &wrong), -EKEYREJECTED);
	v1 = add_named(&descriptor, raw_key, sizeof(raw_key));
	wrong = descriptor;
	assert_int_equal(read_serial(v1, us, true, &wrong), 0);
	wrong.bytes[0]++;
	assert_int_equal(read_serial(v1, us, true, &wrong), -EKEYREJECTED);
	assert_int_equal(read_serial(v1, us, true, &got), -EKEYREJECTED);
	/* keys of others */
	assert_int_equal(read_serial(add("user", "a password", raw_key, sizeof(raw_key)), us, true, &got),
		-EKEYREJECTED);
	assert_int_equal(read_serial(add("logon", "ext4d:x", raw_key, sizeof(raw_key)), us, true, &got),
		-EKEYREJECTED);
	/* what is gone */
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_REVOKE, good), 0);
	assert_int_equal(read_serial(good, us, true, &got), -EKEYREVOKED);
	assert_int_equal(read_serial(0x7ffffff0, us, true, &got), -ENOKEY);
}

/* A session without the user's keyring in it, as services have: the key is still found, and read. */
static void test_user_keyring(void **state)
{
	struct fscrypt_key_name name = identifier(), got = { .version = 2 };
	char text[PROVISIONED_NAME];
	int32_t serial;

	(void)state;
	NEED_KEYRINGS();
	provisioned_name(&name, text);
	assert_int_equal(kernelkeys_add(PROVISIONED_TYPE, text, raw_key, sizeof(raw_key), &serial), 0);
	assert_int_equal(kernelkeys_set_perm(serial, POSSESSOR_PERM), 0);
	assert_int_equal(kernelkeys_link(serial, KERNELKEYS_USER), 0);
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_UNLINK, serial, KEY_SPEC_THREAD_KEYRING), 0);
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_READ, serial, NULL, 0), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(kernelkeys_reach_user(), 0);
	check_found(&name);
	assert_int_equal(read_serial(serial, geteuid(), false, &got), 0);
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_PROCESS_KEYRING), 0);
	assert_int_equal(syscall(SYS_keyctl, KEYCTL_UNLINK, serial, KEY_SPEC_USER_KEYRING), 0);
}

static void wait_ms(unsigned ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static void test_patience(void **state)
{
	struct fscrypt_key_name name = identifier();
	uint8_t raw[MASTERKEY_MAX];
	struct keyfinder *finder;
	size_t size;

	(void)state;
	NEED_KEYRINGS();
	assert_int_equal(keyfinder_new(&finder), 0);
	assert_int_equal(keyfinder_find(finder, &name, raw, &size), -ENOKEY);
	add_named(&name, raw_key, sizeof(raw_key));
	add_named(&descriptor, raw_key, sizeof(raw_key));
	/* not asked again so soon, but for another one */
	assert_int_equal(keyfinder_find(finder, &name, raw, &size), -ENOKEY);
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
	assert_int_equal(keyfinder_find(finder, &descriptor, raw, &size), 0);
	/* nor one that was found, which the filesystem could not take */
	assert_int_equal(keyfinder_find(finder, &descriptor, raw, &size), -ENOKEY);
	/* with a key in it no core is dumped */
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	wait_ms(KEYFINDER_PATIENCE_MS + 50);
	assert_int_equal(keyfinder_find(finder, &name, raw, &size), 0);
	assert_memory_equal(raw, raw_key, sizeof(raw_key));
	keyfinder_free(finder);
}

static void test_timeout(void **state)
{
	struct fscrypt_key_name name = identifier(), got = { .version = 2 };
	uint8_t raw[MASTERKEY_MAX];
	int32_t serial;
	size_t size;

	(void)state;
	NEED_KEYRINGS();
	serial = add_named(&name, raw_key, sizeof(raw_key));
	assert_int_equal(kernelkeys_set_timeout(serial, 1), 0);
	check_found(&name);
	wait_ms(2100);
	assert_int_equal(provisioned_find(&name, raw, &size), -ENOKEY);
	/* first it has expired, and soon it is collected */
	assert_int_not_equal(read_serial(serial, geteuid(), true, &got), 0);
}

/* The sanitizers' mlock(2) does nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_LOCK false
#else
#define CAN_LOCK true
#endif

/* VmFlags of /proc say what the memory is. */
static void test_secret(void **state)
{
	char line[256];
	bool locked, inside = false, dontdump = false, seen_locked = false;
	uint8_t *secret = secret_new(100, &locked);
	FILE *maps = fopen("/proc/self/smaps", "r");

	(void)state;
	assert_non_null(secret);
	assert_non_null(maps);
	assert_int_equal(secret[99], 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)secret >= from && (uintptr_t)secret < to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			dontdump = strstr(line, " dd") && strstr(line, " dc");
			seen_locked = strstr(line, " lo");
		}
	}
	fclose(maps);
	assert_true(dontdump);
	assert_int_equal(locked && CAN_LOCK, seen_locked);
	secret_free(secret, 100);
	secret_free(NULL, 100);
	assert_null(secret_new(SIZE_MAX, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup(test_find, clear),
		cmocka_unit_test_setup(test_writable, clear),
		cmocka_unit_test_setup(test_foreign, clear),
		cmocka_unit_test_setup(test_read, clear),
		cmocka_unit_test_setup(test_user_keyring, clear),
		cmocka_unit_test_setup(test_patience, clear),
		cmocka_unit_test_setup(test_timeout, clear),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
