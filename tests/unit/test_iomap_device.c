// SPDX-License-Identifier: GPL-2.0-or-later
/* The device that the kernel gets for an image file: a loop device over it, which goes when it is closed. */
#include "config.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fuse/iomap_device.h"

#define SIZE (1u << 20)

static int make_file(void)
{
	int fd = open("disk", O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	return fd;
}

static bool is_attached(unsigned nr)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/loop%u/loop/backing_file", nr);
	return access(path, F_OK) == 0;
}

static void test_loop(void **state)
{
	char block[4096], seen[4096];
	int fd, again, device = -1, size = 0;
	const char *why = NULL;
	struct stat st;

	(void)state;
	need(access("/dev/loop-control", R_OK | W_OK) == 0, "/dev/loop-control");
	fd = make_file();
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(iomap_device_open(fd, true, 4096, &device, &why), 0);
	assert_int_equal(fstat(device, &st), 0);
	assert_true(S_ISBLK(st.st_mode));
	assert_true(is_attached(minor(st.st_rdev)));
	assert_int_equal(ioctl(device, BLKBSZGET, &size), 0);
	assert_int_equal(size, 4096);
	/* the same bytes, both ways */
	memset(block, 'd', sizeof(block));
	assert_int_equal(pwrite(device, block, sizeof(block), 8192), sizeof(block));
	assert_int_equal(fsync(device), 0);
	assert_int_equal(pread(fd, seen, sizeof(seen), 8192), sizeof(seen));
	assert_memory_equal(block, seen, sizeof(seen));
	/* the image's lock is not the device's: who comes next may have it at once */
	close(fd);
	again = open("disk", O_RDWR);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), 0);
	close(again);
	close(device);
	for (unsigned i = 0; i < 500 && is_attached(minor(st.st_rdev)); i++)
		usleep(10000);
	assert_false(is_attached(minor(st.st_rdev)));
}

static void test_read_only(void **state)
{
	int fd, device = -1;
	const char *why = NULL;
	char byte = 'x';

	(void)state;
	need(access("/dev/loop-control", R_OK | W_OK) == 0, "/dev/loop-control");
	close(make_file());
	fd = open("disk", O_RDONLY);
	/* nothing is written, so small blocks do no harm */
	assert_int_equal(iomap_device_open(fd, false, 1024, &device, &why), 0);
	assert_true(pwrite(device, &byte, 1, 0) < 0);
	close(device);
	close(fd);
}

static void test_refused(void **state)
{
	int fd = make_file(), device = -1;
	const char *why = NULL;

	(void)state;
	assert_int_equal(iomap_device_open(fd, true, 1024, &device, &why), -EINVAL);
	assert_non_null(strstr(why, "smaller than a page"));
	assert_int_equal(device, -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
