// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel with FUSE iomap, simulated: it speaks the protocol over a socket in place of /dev/fuse with a session of
 * the server, keeps a page cache and a cache of mappings by the protocol's rules, checks all it is told, and moves
 * the files' bytes in the image by itself. What then is in the image is compared with what it meant, and judged by
 * e2fsck. ioctl(2) on the socket is the kernel's too (--wrap=ioctl), and the image stands for its block device.
 */
#include "config.h"

#include "map_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <linux/stat.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fs/file.h"
#include "fuse/iomap.h"
#include "fuse/iomap_device.h"
#include "fuse/iomap_wire.h"
#include "fuse/nodes.h"
#include "fuse/ops.h"

#define STALE 0xEE /* what lies in free blocks */
#define DEVICE_ID 7
#define ROOM (1u << 20) /* bytes of a file, at most */
#define MAX_MAPS 4096u
#define MAX_FILES 3u
#define MAX_MESSAGE 65536u

/* ---- the server ---- */

struct server {
	struct log log;
	struct ops_context ops;
	struct session *session;
};

static int prepare_iomap(void *userdata, const char **ret_why)
{
	struct ops_context *ops = userdata;

	return iomap_prepare(ops->iomap, ret_why);
}

/* In the place of iomap_device.c's: the file itself. */
int iomap_device_open(int fd, bool writable, uint32_t block_size, int *ret_fd, const char **ret_why)
{
	(void)writable;
	(void)block_size;
	*ret_why = NULL;
	*ret_fd = dup(fd);
	return *ret_fd < 0 ? -errno : 0;
}

static struct iomap_device_limits device_limits;

struct iomap_device_limits iomap_device_limits(int fd)
{
	(void)fd;
	return device_limits;
}

/* What the kernel does with ioctls of the connection. */
struct ioctls {
	unsigned nofs;	/* SET_NOFS */
	unsigned device; /* BACKING_OPEN */
	bool refuse; /* the device */
	uint32_t block_size; /* the device's, 0: unknown */
	bool keep_size; /* it cannot be set */
	bool alone; /* no other /dev/fuse can be opened */
};

static struct ioctls ioctls;

uint32_t iomap_device_block_size(int fd)
{
	(void)fd;
	return ioctls.block_size;
}

static int open_device(void *open_data)
{
	(void)open_data;
	return -EACCES;
}

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	const struct iomap_abi_backing_info *info = arg;
	const struct iomap_abi_backing *backing = arg;

	switch (request) {
	case ABI_DEV_IOC_CLONE: /* a descriptor of the same connection */
		assert_false(ioctls.alone);
		return dup2((int)*(uint32_t *)arg, fd) < 0 ? -1 : 0;
	case IOMAP_ABI_IOC_SET_NOFS:
		ioctls.nofs += *(uint32_t *)arg;
		return 0;
	case IOMAP_ABI_IOC_BACKING_OPEN:
		errno = EPERM;
		if (ioctls.refuse)
			return -1;
		assert_true(backing->fd >= 0 && backing->flags == 1 && !backing->padding);
		ioctls.device++;
		return DEVICE_ID;
	case IOMAP_ABI_IOC_SET_BLOCKSIZE:
		errno = EINVAL;
		if (ioctls.keep_size)
			return -1;
		assert_int_equal(info->backing_id, DEVICE_ID);
		ioctls.block_size = info->blocksize;
		return 0;
	default:
		return __real_ioctl(fd, request, arg);
	}
}

/* Notifications of mappings that the kernel has no memory for, while lossy. */
struct uploads {
	atomic_bool lossy;
	atomic_uint nr, lost;
};

static struct uploads uploads;

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);

ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	struct abi_out_header head;
	uint32_t rng;

	if (!uploads.lossy || iov[0].iov_len != sizeof(head))
		return __real_writev(fd, iov, count);
	memcpy(&head, iov[0].iov_base, sizeof(head));
	rng = atomic_fetch_add(&uploads.nr, 1);
	if (head.unique || head.error != IOMAP_ABI_NOTIFY_UPSERT || next_random(&rng) % 4)
		return __real_writev(fd, iov, count);
	uploads.lost++;
	errno = ENOMEM;
	return -1;
}

/* offset: where in the file the image begins. */
static void open_server(struct server *s, const char *path, uint64_t offset)
{
	struct fs_options opts = { .writable = true };
	struct blk *blk, *whole;
	int fd = open(path, O_RDWR);

	*s = (struct server){ .session = NULL };
	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &whole), 0);
	assert_int_equal(blk_window_new(whole, offset, whole->size - offset, &blk), 0);
	log_init(&s->log, "test", LOG_LEVEL_ERROR);
	s->log.to_syslog = false;
	assert_int_equal(fs_open(blk, &opts, &s->log, &s->ops.fs), 0);
	assert_int_equal(nodes_new(&s->ops.nodes), 0);
	assert_int_equal(nodes_add(s->ops.nodes, EXT2_ROOT_INO, 0), 0);
	assert_int_equal(iomap_new(s->ops.fs, s->ops.nodes, &s->log, &s->ops.iomap), 0);
}

/* fd: the server's end of the connection, with INIT in it. */
static int start_server(struct server *s, int fd, enum session_iomap how)
{
	const struct session_config config = { .ops = ops_table(true), .userdata = &s->ops,
		.intercept = ops_intercept, .init_flags = ABI_INIT_HANDLE_KILLPRIV_V2,
		.uring = SESSION_URING_OFF, .iomap = how, .prepare_iomap = prepare_iomap,
		.open_device = ioctls.alone ? open_device : NULL, .log = &s->log };
	char name[] = "test", path[32];
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int err;

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	assert_int_equal(session_new(&config, &args, &s->session), 0);
	fuse_opt_free_args(&args);
	err = session_mount(s->session, path);
	return err ? err : session_start(s->session);
}

/* Returns what closing the filesystem does. */
static int end_server(struct server *s)
{
	int err;

	session_free(s->session);
	iomap_free(s->ops.iomap);
	err = fs_close(s->ops.fs);
	nodes_free(s->ops.nodes);
	return err;
}

static void stop_server(struct server *s)
{
	assert_int_equal(end_server(s), 0);
}

/* ---- the kernel ---- */

/* A file that it knows. */
struct known {
	const char *name;
	uint64_t nodeid, ino;
	uint64_t size;	    /* in memory */
	uint64_t disk_size; /* what it believes the image to have */
	uint8_t bytes[ROOM]; /* page cache, all of it; zeros from size on */
	bool dirty[ROOM / 1024]; /* by the block */
	struct iomap_abi_map maps[MAX_MAPS]; /* the tree for reading, in no order */
	size_t nr_maps;
	bool cached; /* there is a tree */
};

struct kernel {
	struct server server;
	int fd;	   /* its end of the connection */
	int image; /* the device */
	uint64_t offset; /* of the image on it */
	uint64_t unique;
	struct iomap_wire_limits limits;
	unsigned upcalls[3]; /* IOEND, BEGIN, END */
	unsigned upserts, invals;
	uint64_t nodeid; /* of requests */
	struct known files[MAX_FILES];
	size_t nr_files;
	struct known *f; /* the one that it is at, use() */
	bool pressed; /* memory is short: trees go at any time */
	uint32_t rng; /* for that */
	unsigned forgotten_acls; /* INVAL_INODE: it drops attributes and ACLs */
};

/* Forgets what is cached of [from, to). */
static void drop_from(struct known *f, uint64_t from, uint64_t to)
{
	size_t nr = f->nr_maps;

	for (size_t i = 0; i < nr; i++) {
		struct iomap_abi_map *map = &f->maps[i], rest = *map;
		uint64_t end = map->offset + map->length;

		if (map->offset >= to || end <= from)
			continue;
		map->length = map->offset < from ? from - map->offset : 0;
		if (end <= to)
			continue;
		assert_true(f->nr_maps < MAX_MAPS);
		rest.length = end - to;
		rest.offset = to;
		if (rest.addr != IOMAP_ABI_NO_ADDR)
			rest.addr += to - (end - (end - map->offset));
		f->maps[f->nr_maps++] = rest;
	}
	nr = 0;
	for (size_t i = 0; i < f->nr_maps; i++)
		if (f->maps[i].length)
			f->maps[nr++] = f->maps[i];
	f->nr_maps = nr;
}

static void drop_maps(struct kernel *k, uint64_t from, uint64_t to)
{
	drop_from(k->f, from, to);
}

static const struct iomap_abi_map *find_map(const struct kernel *k, uint64_t pos)
{
	for (size_t i = 0; i < k->f->nr_maps; i++)
		if (k->f->maps[i].offset <= pos && pos - k->f->maps[i].offset < k->f->maps[i].length)
			return &k->f->maps[i];
	return NULL;
}

/* Where a map points has to be in the image, block by block, and not where the superblock is. */
static void check_place(const struct kernel *k, const struct iomap_abi_map *map)
{
	struct stat st;

	if (map->type != IOMAP_ABI_MAPPED && map->type != IOMAP_ABI_UNWRITTEN)
		return;
	assert_int_equal(fstat(k->image, &st), 0);
	assert_int_equal(map->dev, DEVICE_ID);
	assert_int_equal(map->addr % k->limits.block_size, 0);
	assert_true(map->addr >= k->offset + 2048);
	assert_true(map->addr < (uint64_t)st.st_size && map->length <= (uint64_t)st.st_size - map->addr);
	assert_false(map->flags & (IOMAP_ABI_F_ANON_WRITE | IOMAP_ABI_F_NEW));
}

/* Trees go when memory is short, or when they have become too large. */
static void press(struct kernel *k, struct known *f, uint32_t odds)
{
	if (k->pressed && next_random(&k->rng) % odds == 0)
		drop_from(f, 0, UINT64_MAX);
}

static struct known *find_file(struct kernel *k, uint64_t nodeid, uint64_t ino)
{
	for (size_t i = 0; i < k->nr_files; i++)
		if (k->files[i].nodeid == nodeid) {
			assert_int_equal(k->files[i].ino, ino);
			return &k->files[i];
		}
	fail_msg("node %llu is none that is moved", (unsigned long long)nodeid);
	return NULL;
}

static void take_upsert(struct kernel *k, const struct iomap_abi_upsert *upsert)
{
	struct known *f = find_file(k, upsert->nodeid, upsert->attr_ino);

	assert_int_equal(iomap_wire_check_upsert(upsert, &k->limits), 0);
	assert_int_equal(upsert->write.type, IOMAP_ABI_NOCACHE);
	check_place(k, &upsert->read);
	press(k, f, 16);
	drop_from(f, upsert->read.offset, upsert->read.offset + upsert->read.length);
	assert_true(f->nr_maps < MAX_MAPS);
	f->maps[f->nr_maps++] = upsert->read;
	f->cached = true;
	k->upserts++;
}

static void take_inval(struct kernel *k, const struct iomap_abi_inval *inval)
{
	struct known *f = find_file(k, inval->nodeid, inval->attr_ino);
	uint64_t block = k->limits.block_size;

	assert_int_equal(inval->read.offset % block, 0);
	assert_true(inval->read.offset < k->limits.max_size);
	assert_true(inval->read.length == UINT64_MAX || inval->read.length % block == 0);
	drop_from(f, inval->read.offset,
		inval->read.length > UINT64_MAX - inval->read.offset ?
			UINT64_MAX :
			inval->read.offset + inval->read.length);
	k->invals++;
}

static void take_notification(struct kernel *k, int32_t code, const void *body, size_t len)
{
	struct iomap_abi_upsert upsert;
	struct iomap_abi_inval inval;

	if (code == IOMAP_ABI_NOTIFY_UPSERT) {
		assert_int_equal(len, sizeof(upsert));
		memcpy(&upsert, body, sizeof(upsert));
		take_upsert(k, &upsert);
	} else if (code == IOMAP_ABI_NOTIFY_INVAL) {
		assert_int_equal(len, sizeof(inval));
		memcpy(&inval, body, sizeof(inval));
		take_inval(k, &inval);
	} else {
		assert_int_equal(code, FUSE_NOTIFY_INVAL_INODE);
		k->forgotten_acls++;
	}
}

static void post(struct kernel *k, uint32_t opcode, uint64_t nodeid, const void *body, size_t len)
{
	struct abi_in_header head = { .len = (uint32_t)(sizeof(head) + len), .opcode = opcode,
		.unique = ++k->unique, .nodeid = nodeid, .pid = 1 };
	const struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, len } };

	assert_int_equal(writev(k->fd, iov, 2), head.len);
}

/* Waits for the reply, up to room bytes; its error is returned. */
static int receive_some(struct kernel *k, void *ret, size_t room, size_t *ret_len)
{
	uint8_t message[MAX_MESSAGE];
	struct abi_out_header head;

	for (;;) {
		ssize_t got = read(k->fd, message, sizeof(message));

		assert_true(got >= (ssize_t)sizeof(head));
		memcpy(&head, message, sizeof(head));
		assert_int_equal(head.len, got);
		if (head.unique)
			break;
		take_notification(k, head.error, message + sizeof(head), head.len - sizeof(head));
	}
	assert_int_equal(head.unique, k->unique);
	assert_true(head.error <= 0 && head.error > -512);
	*ret_len = head.len - sizeof(head);
	assert_true(*ret_len <= (head.error ? 0 : room));
	if (*ret_len)
		memcpy(ret, message + sizeof(head), *ret_len);
	return head.error;
}

/* The kernel takes no other size than want. */
static int receive(struct kernel *k, void *ret, size_t want)
{
	size_t len;
	int err = receive_some(k, ret, want, &len);

	assert_int_equal(len, err ? 0 : want);
	return err;
}

static int call(struct kernel *k, uint32_t opcode, const void *body, size_t len, void *ret, size_t want)
{
	post(k, opcode, k->nodeid, body, len);
	if (opcode >= IOMAP_ABI_OP_IOEND)
		k->upcalls[opcode - IOMAP_ABI_OP_IOEND]++;
	return receive(k, ret, want);
}

/* ---- the connection's beginning ---- */

static void connect_kernel(struct kernel *k)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	k->fd = ends[0];
	k->image = open("image", O_RDWR);
	assert_true(k->image >= 0);
	ioctls = (struct ioctls){ .nofs = 0 };
	memset(k->files, 0, sizeof(k->files));
	k->nr_files = 0;
	k->server.session = NULL;
	k->unique = (uint64_t)ends[1]; /* until INIT is sent */
}

/* Returns what the server's start does. *ret: its reply to INIT. */
static int init(struct kernel *k, uint32_t minor, bool offer, enum session_iomap how,
	struct abi_init_out *ret)
{
	const struct abi_init_in in = { .major = 7, .minor = minor, .max_readahead = 131072,
		.flags = ABI_INIT_EXT | FUSE_MAX_PAGES | FUSE_WRITEBACK_CACHE | FUSE_ATOMIC_O_TRUNC |
			FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_DO_READDIRPLUS | FUSE_BIG_WRITES |
			FUSE_HANDLE_KILLPRIV_V2,
		.flags2 = offer ? (uint32_t)(IOMAP_ABI_INIT >> 32) : 0 };
	int fd = (int)k->unique, err;

	k->unique = 0;
	post(k, FUSE_INIT, 0, &in, sizeof(in));
	err = start_server(&k->server, fd, how);
	assert_int_equal(receive(k, ret, sizeof(*ret)), 0);
	assert_int_equal(ret->major, 7);
	close(fd);
	return err;
}

static int configure(struct kernel *k)
{
	const struct iomap_abi_config_in in = { .flags = 0x7F, .maxbytes = INT64_MAX,
		.cache_maxbytes = 262144 };
	const struct super *sb = fs_super(k->server.ops.fs);
	struct iomap_abi_config_out out;
	int err;

	k->nodeid = 0;
	err = call(k, IOMAP_ABI_OP_CONFIG, &in, sizeof(in), &out, sizeof(out));
	if (err)
		return err;
	assert_false(out.flags & ~in.flags);
	assert_int_equal(out.s_uuid_len, 16);
	assert_memory_equal(out.s_uuid, sb->uuid, 16);
	assert_int_equal(out.s_pad[0] | out.s_pad[1] | out.s_pad[2], 0);
	assert_int_equal(out.s_blocksize, sb->block_size);
	assert_non_null(memchr(out.s_id, 0, sizeof(out.s_id)));
	assert_true(out.s_maxbytes > 0 && out.s_time_gran <= 1000000000);
	assert_true(out.s_time_min < 0 && out.s_time_max > INT32_MAX);
	k->limits = (struct iomap_wire_limits){ .block_size = out.s_blocksize,
		.max_size = (uint64_t)out.s_maxbytes };
	return 0;
}

/* The file that the next operations are about. */
static void use(struct kernel *k, struct known *f)
{
	k->f = f;
	k->nodeid = f->nodeid;
}

static void learn(struct kernel *k, const char *name, const struct abi_entry_out *entry)
{
	struct known *f = &k->files[k->nr_files];

	assert_true(k->nr_files++ < MAX_FILES);
	f->name = name;
	f->nodeid = entry->nodeid;
	f->ino = entry->attr.ino;
	f->size = f->disk_size = entry->attr.size;
	use(k, f);
}

/* Looks name up, which becomes known; returns the flags. */
static uint32_t look_up(struct kernel *k, const char *name)
{
	struct abi_entry_out entry;

	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, FUSE_LOOKUP, name, strlen(name) + 1, &entry, sizeof(entry)), 0);
	learn(k, name, &entry);
	return entry.attr.flags;
}

/* Makes the file name, of one letter, which becomes known. */
static void make_file(struct kernel *k, const char *name)
{
	struct {
		struct fuse_mknod_in in;
		char name[2];
	} mknod = { .in = { .mode = S_IFREG | 0644 } };
	struct abi_entry_out entry;

	memcpy(mknod.name, name, sizeof(mknod.name));
	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, FUSE_MKNOD, &mknod, sizeof(mknod), &entry, sizeof(entry)), 0);
	assert_int_equal(entry.attr.flags, IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP);
	learn(k, name, &entry);
}

static struct kernel *kernel_new(uint64_t offset)
{
	struct kernel *k = calloc(1, sizeof(*k));
	struct abi_init_out out;

	assert_non_null(k);
	k->offset = offset;
	open_server(&k->server, "image", offset);
	connect_kernel(k);
	assert_int_equal(init(k, IOMAP_ABI_MINOR, true, SESSION_IOMAP_ON, &out), 0);
	assert_int_equal(out.minor, IOMAP_ABI_MINOR);
	assert_true(out.flags & ABI_INIT_EXT);
	assert_int_equal(out.flags2, (uint32_t)(IOMAP_ABI_INIT >> 32));
	assert_false(out.flags & FUSE_WRITEBACK_CACHE);
	assert_true(out.flags & FUSE_HANDLE_KILLPRIV_V2);
	assert_int_equal(ioctls.nofs, 1);
	assert_int_equal(configure(k), 0);
	assert_int_equal(ioctls.device, 1);
	assert_int_equal(look_up(k, "a") & ~IOMAP_ABI_ATTR_ATOMIC,
		IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP);
	return k;
}

static void disconnect(struct kernel *k)
{
	close(k->fd);
	close(k->image);
	stop_server(&k->server);
}

/* ---- upcalls ---- */

static bool misses(const struct iomap_abi_map *map, uint32_t opflags)
{
	if (!map || opflags & (IOMAP_ABI_ON_ATOMIC | IOMAP_ABI_ON_SWAPFILE))
		return true;
	return map->type == IOMAP_ABI_HOLE && opflags & (IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_WRITEBACK);
}

/* iomap_begin() of any caller. */
static int begin(struct kernel *k, uint32_t opflags, uint64_t pos, uint64_t count,
	struct iomap_abi_map *ret)
{
	const struct iomap_abi_begin_in in = { .opflags = opflags, .attr_ino = k->f->ino, .pos = pos,
		.count = count };
	const struct iomap_abi_map *map;
	struct iomap_abi_begin_out out;
	int err;

	press(k, k->f, 16);
	map = find_map(k, pos);
	for (unsigned tries = 0; misses(map, opflags); tries++) {
		/* asked again if it was there, and has gone */
		assert_true(tries < (k->pressed ? 20 : 2));
		err = call(k, IOMAP_ABI_OP_BEGIN, &in, sizeof(in), &out, sizeof(out));
		if (err)
			return err;
		k->limits.cached = k->f->cached;
		assert_int_equal(iomap_wire_check_begin(&out, pos, &k->limits), 0);
		assert_int_equal(out.write.type, IOMAP_ABI_PURE_OVERWRITE);
		if (out.read.type != IOMAP_ABI_RETRY_CACHE) {
			check_place(k, &out.read);
			*ret = out.read;
			return 0;
		}
		press(k, k->f, 4);
		map = find_map(k, pos);
	}
	*ret = *map;
	return 0;
}

static void end(struct kernel *k, uint32_t opflags, uint64_t pos, uint64_t count,
	const struct iomap_abi_map *map)
{
	struct iomap_abi_end_in in = { .opflags = opflags, .attr_ino = k->f->ino, .pos = pos,
		.count = count, .written = (int64_t)count, .map = *map };

	in.map.flags |= IOMAP_ABI_F_SIZE_CHANGED;
	assert_int_equal(call(k, IOMAP_ABI_OP_END, &in, sizeof(in), NULL, 0), 0);
}

static uint64_t round_down(const struct kernel *k, uint64_t bytes)
{
	return bytes & ~(uint64_t)(k->limits.block_size - 1);
}

static uint64_t round_up(const struct kernel *k, uint64_t bytes)
{
	return round_down(k, bytes + k->limits.block_size - 1);
}

/* A write is done: said only if there is something to say. */
static int io_done(struct kernel *k, uint32_t flags, int32_t error, uint64_t pos, uint64_t written)
{
	struct iomap_abi_ioend_in in = { .flags = flags, .error = error, .attr_ino = k->f->ino, .pos = pos,
		.new_addr = IOMAP_ABI_NO_ADDR, .written = written };
	struct iomap_abi_ioend_out out;
	int err;

	if (pos + written > k->f->disk_size)
		in.flags |= IOMAP_ABI_IOEND_APPEND;
	if (!error && !(in.flags & (IOMAP_ABI_IOEND_UNWRITTEN | IOMAP_ABI_IOEND_APPEND)))
		return 0;
	err = call(k, IOMAP_ABI_OP_IOEND, &in, sizeof(in), &out, sizeof(out));
	if (err)
		return err;
	if (!error)
		assert_true(out.newsize >= pos + written);
	k->f->disk_size = out.newsize;
	drop_maps(k, round_down(k, pos), round_up(k, pos + written));
	return 0;
}

/* ---- operations ---- */

static void put_blocks(const struct kernel *k, const struct iomap_abi_map *map, uint64_t from, uint64_t to)
{
	assert_true(map->type == IOMAP_ABI_MAPPED || map->type == IOMAP_ABI_UNWRITTEN);
	assert_int_equal(pwrite(k->image, k->f->bytes + from, to - from,
				 (off_t)(map->addr + (from - map->offset))),
		to - from);
}

static uint64_t map_end(const struct iomap_abi_map *map, uint64_t limit)
{
	uint64_t at = map->offset + map->length;

	return at < limit ? at : limit;
}

/* Writes the page cache back. */
static void write_back(struct kernel *k)
{
	uint64_t block = k->limits.block_size;

	for (uint64_t at = 0; at < round_up(k, k->f->size); at += block) {
		uint64_t to = at;
		struct iomap_abi_map map;

		while (to < ROOM && k->f->dirty[to / block])
			to += block;
		if (to == at)
			continue;
		assert_int_equal(begin(k, IOMAP_ABI_ON_WRITEBACK, at, to - at, &map), 0);
		to = map_end(&map, to);
		put_blocks(k, &map, at, to);
		memset(k->f->dirty + at / block, 0, (to - at) / block);
		assert_int_equal(io_done(k,
					 IOMAP_ABI_IOEND_WRITEBACK |
						 (map.type == IOMAP_ABI_UNWRITTEN ?
								 IOMAP_ABI_IOEND_UNWRITTEN :
								 0),
					 0, at, (to < k->f->size ? to : k->f->size) - at),
			0);
		at = to - block;
	}
	memset(k->f->dirty, 0, sizeof(k->f->dirty));
}

/* ZERO: what is data becomes zeros, in the page cache; the rest is. */
static void zero(struct kernel *k, uint64_t pos, uint64_t to)
{
	while (pos < to) {
		struct iomap_abi_map map;
		uint64_t stop;

		assert_int_equal(begin(k, IOMAP_ABI_ON_ZERO, pos, to - pos, &map), 0);
		stop = map_end(&map, to);
		if (map.type == IOMAP_ABI_MAPPED)
			for (uint64_t at = pos; at < stop; at++)
				k->f->dirty[at / k->limits.block_size] = true;
		pos = stop;
	}
}

static void fill_random(struct kernel *k, uint64_t pos, uint64_t to, uint32_t *rng)
{
	for (; pos < to; pos++)
		k->f->bytes[pos] = (uint8_t)(1 + next_random(rng) % (STALE - 1)); /* neither 0 nor STALE */
}

static void write_buffered(struct kernel *k, uint64_t pos, uint64_t len, uint32_t *rng)
{
	uint64_t to = pos + len;

	if (pos > k->f->size)
		zero(k, k->f->size, pos);
	while (pos < to) {
		struct iomap_abi_map map;
		uint64_t stop;

		assert_int_equal(begin(k, IOMAP_ABI_ON_WRITE, pos, to - pos, &map), 0);
		assert_true(map.type == IOMAP_ABI_MAPPED || map.type == IOMAP_ABI_UNWRITTEN);
		stop = map_end(&map, to);
		fill_random(k, pos, stop, rng);
		for (uint64_t at = pos; at < stop; at++)
			k->f->dirty[at / k->limits.block_size] = true;
		if (stop > k->f->size) {
			k->f->size = stop;
			end(k, IOMAP_ABI_ON_WRITE, pos, stop - pos, &map);
		}
		pos = stop;
	}
}

static void write_direct(struct kernel *k, uint64_t pos, uint64_t len, uint32_t *rng)
{
	uint32_t flags = IOMAP_ABI_IOEND_DIRECT;
	uint64_t at = pos, to = pos + len;

	if (pos > k->f->size)
		zero(k, k->f->size, pos);
	write_back(k);
	while (at < to) {
		struct iomap_abi_map map;
		uint64_t stop;

		assert_int_equal(
			begin(k, IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_DIRECT, at, to - at, &map), 0);
		stop = map_end(&map, to);
		fill_random(k, at, stop, rng);
		put_blocks(k, &map, at, stop);
		if (map.type == IOMAP_ABI_UNWRITTEN)
			flags |= IOMAP_ABI_IOEND_UNWRITTEN;
		at = stop;
	}
	assert_int_equal(io_done(k, flags, 0, pos, len), 0);
	if (to > k->f->size)
		k->f->size = to;
}

/* All of the file past the page cache, by mappings and from the image. */
static void read_direct(struct kernel *k)
{
	uint64_t at = 0;
	uint8_t *bytes = malloc(ROOM);

	assert_non_null(bytes);
	write_back(k);
	while (at < k->f->size) {
		struct iomap_abi_map map;
		uint64_t stop;

		assert_int_equal(begin(k, IOMAP_ABI_ON_DIRECT, at, k->f->size - at, &map), 0);
		stop = map_end(&map, k->f->size);
		memset(bytes + at, 0, stop - at);
		if (map.type == IOMAP_ABI_MAPPED)
			assert_int_equal(pread(k->image, bytes + at, stop - at,
						 (off_t)(map.addr + (at - map.offset))),
				stop - at);
		at = stop;
	}
	for (at = 0; at < k->f->size; at++)
		if (bytes[at] != k->f->bytes[at])
			fail_msg("byte %llu is %02x, not %02x", (unsigned long long)at, bytes[at],
				k->f->bytes[at]);
	free(bytes);
}

static void stat_file(struct kernel *k)
{
	const struct fuse_getattr_in in = { .getattr_flags = 0 };
	struct abi_attr_out out;

	assert_int_equal(call(k, FUSE_GETATTR, &in, sizeof(in), &out, sizeof(out)), 0);
	assert_int_equal(out.attr.flags, IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP);
	/* v7 takes its own size for the one on disk, whatever was said */
	k->f->disk_size = k->f->size;
}

static void set_times(struct kernel *k)
{
	const struct fuse_setattr_in in = { .valid = FATTR_MTIME | FATTR_CTIME, .mtime = 1700000000,
		.ctime = 1700000001 };
	struct abi_attr_out out;

	assert_int_equal(call(k, FUSE_SETATTR, &in, sizeof(in), &out, sizeof(out)), 0);
	assert_int_equal(out.attr.mtime, in.mtime);
	assert_int_equal(out.attr.ctime, in.ctime);
}

static void sync_file(struct kernel *k)
{
	const struct fuse_fsync_in in = { .fh = 0 };

	write_back(k);
	set_times(k);
	assert_int_equal(call(k, FUSE_FSYNC, &in, sizeof(in), NULL, 0), 0);
}

static void truncate_file(struct kernel *k, uint64_t size)
{
	const struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	uint64_t old = k->f->size;
	struct abi_attr_out out;

	write_back(k);
	if (size < old)
		memset(k->f->bytes + size, 0, ROOM - size);
	if (size > old)
		zero(k, old, size);
	else
		zero(k, size, round_up(k, size) < old ? round_up(k, size) : old);
	k->f->size = size > old ? size : old;
	write_back(k);
	k->f->size = size;
	assert_int_equal(call(k, FUSE_SETATTR, &in, sizeof(in), &out, sizeof(out)), 0);
	assert_int_equal(out.attr.size, size);
	k->f->disk_size = size;
	drop_maps(k, round_down(k, size), UINT64_MAX);
}

static void allocate(struct kernel *k, int mode, uint64_t off, uint64_t len)
{
	const struct fuse_fallocate_in in = { .offset = off, .length = len, .mode = (uint32_t)mode };
	uint64_t to = off + len, old = k->f->size;

	write_back(k);
	assert_int_equal(call(k, FUSE_FALLOCATE, &in, sizeof(in), NULL, 0), 0);
	drop_maps(k, round_down(k, off), round_up(k, to));
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) && off < old) {
		memset(k->f->bytes + off, 0, (to < old ? to : old) - off);
		zero(k, off, to < old ? to : old);
		write_back(k);
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && to > old) {
		zero(k, old, to);
		k->f->size = to;
		write_back(k);
	}
}

/* ---- killed ---- */

/* Whether fs, of an image, has what is meant: exactly, or at least nothing of what lay in the blocks before. */
static void check_file(struct fs *fs, const struct known *f, bool exactly)
{
	struct inode *inode = get_file(fs, f->name);
	uint8_t *bytes = malloc(ROOM + 1);

	assert_non_null(bytes);
	assert_true(inode->d.size <= ROOM);
	assert_int_equal(file_read(inode, 0, bytes, ROOM + 1), inode->d.size);
	assert_null(memchr(bytes, STALE, inode->d.size));
	if (exactly) {
		assert_int_equal(inode->d.size, f->size);
		assert_memory_equal(bytes, f->bytes, f->size);
	}
	inode_put(inode);
	free(bytes);
}

/* How a snapshot of the device is to be. */
enum expect {
	EXPECT_SOUND, /* recovered, whole, without anything of what lay in the blocks before */
	EXPECT_FILE,  /* the same, and all of the file that is used */
	EXPECT_ALL,   /* all of all files, with nothing to be recovered */
};

static void check_copy(struct kernel *k, enum expect expect)
{
	struct fs_options opts = { .writable = expect != EXPECT_ALL };
	struct blk *blk, *whole;
	struct fs *fs;

	assert_int_equal(sh("cp --sparse=always image snap"), 0);
	assert_int_equal(blk_file_new(open("snap", O_RDWR), true, &whole), 0);
	assert_int_equal(blk_window_new(whole, k->offset, whole->size - k->offset, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	if (expect == EXPECT_ALL)
		assert_false(fs->recovered);
	for (size_t i = 0; i < k->nr_files; i++)
		check_file(fs, &k->files[i],
			expect == EXPECT_ALL || (expect == EXPECT_FILE && &k->files[i] == k->f));
	assert_int_equal(fs_close(fs), 0);
	if (sh("e2fsck -fn -E no_optimize_extents 'snap?offset=%llu'", (unsigned long long)k->offset)) {
		show_log();
		fail_msg("e2fsck finds fault with what the kill left");
	}
}

/*
 * What would be there had the server been killed now, its last writes in the host's cache; and all of the file, if it
 * has just been synced.
 */
static void check_killed(struct kernel *k, bool synced)
{
	check_copy(k, synced ? EXPECT_FILE : EXPECT_SOUND);
}

/* ---- frozen ---- */

static int freeze(struct kernel *k, uint64_t unlinked)
{
	const struct iomap_abi_freeze_in in = { .unlinked = unlinked };
	uint64_t file = k->nodeid;
	int err;

	k->nodeid = FUSE_ROOT_ID;
	err = call(k, IOMAP_ABI_OP_FREEZE, &in, sizeof(in), NULL, 0);
	k->nodeid = file;
	return err;
}

static int unfreeze(struct kernel *k)
{
	uint64_t file = k->nodeid;
	int err;

	k->nodeid = FUSE_ROOT_ID;
	err = call(k, IOMAP_ABI_OP_UNFREEZE, NULL, 0, NULL, 0);
	k->nodeid = file;
	return err;
}

/* freeze_super() and back: all is written before it comes to us. */
static void freeze_all(struct kernel *k)
{
	struct known *f = k->f;

	for (size_t i = 0; i < k->nr_files; i++) {
		use(k, &k->files[i]);
		write_back(k);
	}
	use(k, f);
	assert_int_equal(freeze(k, 0), 0);
	check_copy(k, EXPECT_ALL);
	read_direct(k);
	assert_int_equal(unfreeze(k), 0);
}

/* ---- the end ---- */

/* Everything written, nobody connected: what is in the image? */
static void kernel_free(struct kernel *k)
{
	struct fs_options opts = { .writable = false };
	struct inode *inode;
	struct blk *blk, *whole;
	struct fs *fs;

	for (size_t i = 0; i < k->nr_files; i++) {
		use(k, &k->files[i]);
		sync_file(k);
		read_direct(k);
	}
	disconnect(k);
	assert_int_equal(blk_file_new(open("image", O_RDONLY), false, &whole), 0);
	assert_int_equal(blk_window_new(whole, k->offset, whole->size - k->offset, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	for (size_t i = 0; i < k->nr_files; i++) {
		check_file(fs, &k->files[i], true);
		inode = get_file(fs, k->files[i].name);
		assert_int_equal(inode->d.mtime.tv_sec, 1700000000);
		inode_put(inode);
	}
	assert_int_equal(fs_close(fs), 0);
	if (k->offset)
		assert_int_equal(sh("dd if=image of=part bs=1M skip=1 && mv part image"), 0);
	judge(false);
	free(k);
}

/* ---- tests ---- */

static void random_step(struct kernel *k, uint32_t *rng)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };
	uint64_t pos = next_random(rng) % 600000, len = 1 + next_random(rng) % 30000;

	switch (next_random(rng) % 12) {
	case 0:
	case 1:
		write_direct(k, round_down(k, pos), round_up(k, len), rng);
		break;
	case 2:
	case 3:
		write_buffered(k, k->f->size % 600000, len % 900 + 1, rng);
		break;
	case 4:
	case 5:
		write_buffered(k, pos, len, rng);
		break;
	case 6:
		truncate_file(k, pos);
		break;
	case 7:
	case 8:
		allocate(k, modes[next_random(rng) % ARRAY_SIZE(modes)], pos, len);
		break;
	case 9:
		stat_file(k);
		break;
	case 10:
		/* nodes of the cache go when the kernel wants */
		drop_maps(k, round_down(k, pos), round_up(k, pos + len));
		break;
	default:
		if (len % 2)
			sync_file(k);
		else
			write_back(k);
	}
}

static void litter(void)
{
	struct fs *fs = open_image(true);
	struct inode *inode = get_file(fs, "b");
	size_t len = 4 << 20;
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, STALE, len);
	for (unsigned i = 0; i < 4; i++)
		if (file_write(inode, i * len, bytes, len, true, true) != (ssize_t)len)
			break;
	free(bytes);
	rwlock_write(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, 0), 0);
	rwlock_drop(&inode->lock);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
}

/* pressed: the kernel is short of memory. */
static void run_random(const char *size, const char *args, uint64_t offset, uint32_t seed, bool pressed)
{
	struct kernel *k;
	uint32_t rng = seed;

	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image(size, args);
	litter();
	if (offset)
		assert_int_equal(sh("(head -c %llu /dev/zero; cat image) >disk && mv disk image",
					 (unsigned long long)offset),
			0);
	uploads.nr = uploads.lost = 0;
	k = kernel_new(offset);
	assert_int_equal(look_up(k, "b"), IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP);
	make_file(k, "c");
	assert_int_equal(fs_sync(k->server.ops.fs), 0);
	k->pressed = uploads.lossy = pressed;
	k->rng = seed;
	for (unsigned i = 0; i < 600; i++) {
		use(k, &k->files[next_random(&rng) % k->nr_files]);
		random_step(k, &rng);
		if (i % 20 == 19)
			read_direct(k);
		if (i % 40 == 15) {
			/* somebody commits what is promised and not written */
			write_buffered(k, k->f->size / 2, 9000, &rng);
			assert_int_equal(fs_sync(k->server.ops.fs), 0);
			check_killed(k, false);
		}
		if (i % 60 == 45)
			freeze_all(k);
		if (i % 100 == 99) {
			sync_file(k);
			check_killed(k, true);
		}
	}
	assert_true(k->upserts > 0);
	if (pressed)
		assert_true(uploads.lost > 20 && k->invals == uploads.lost);
	kernel_free(k);
	uploads.lossy = false;
}

static void test_random(void **state)
{
	(void)state;
	run_random("40M", "-t ext4 -b 1024 -J size=4", 0, 1, false);
	run_random("64M", "-t ext4 -b 4096 -J size=8", 1 << 20, 2, false);
	run_random("100M", "-t ext4 -b 1024 -C 4096 -O bigalloc -J size=4", 0, 3, false);
}

/* Mappings come and go as the kernel likes, and some it cannot take. */
static void test_pressed(void **state)
{
	(void)state;
	run_random("40M", "-t ext4 -b 1024 -J size=4", 0, 4, true);
	run_random("64M", "-t ext4 -b 4096 -J size=8", 1 << 20, 5, true);
}

/* The number of upcalls is what speed hangs on. */
static void test_upcalls(void **state)
{
	unsigned before[3], upserts;
	struct kernel *k;
	uint32_t rng = 5;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("64M", "-t ext4 -b 4096 -J size=8");
	k = kernel_new(0);
	/* an append: where, and that it is written */
	write_direct(k, 0, 512 << 10, &rng);
	assert_int_equal(k->upcalls[1], 1);
	assert_int_equal(k->upcalls[0], 1);
	assert_int_equal(k->upcalls[2], 0);
	sync_file(k);
	/* overwriting: where, once for all of it */
	memcpy(before, k->upcalls, sizeof(before));
	upserts = k->upserts;
	for (unsigned i = 0; i < 200; i++)
		write_direct(k, (next_random(&rng) % 128) << 12, 4096, &rng);
	for (unsigned i = 0; i < 200; i++)
		write_buffered(k, next_random(&rng) % (508 << 10), 4096, &rng);
	read_direct(k);
	assert_int_equal(k->upcalls[1], before[1] + 1);
	assert_int_equal(k->upcalls[0], before[0]);
	assert_int_equal(k->upcalls[2], before[2]);
	assert_int_equal(k->upserts, upserts + 1);
	kernel_free(k);
}

/* The flags of name in a reply to READDIRPLUS of the root. */
static uint32_t listed_flags(struct kernel *k, const char *name)
{
	const struct fuse_read_in in = { .size = 16384 };
	static uint8_t list[16384];
	struct fuse_direntplus plus;
	size_t len, at = 0;

	post(k, FUSE_READDIRPLUS, FUSE_ROOT_ID, &in, sizeof(in));
	assert_int_equal(receive_some(k, list, sizeof(list), &len), 0);
	while (at < len) {
		memcpy(&plus, list + at, FUSE_NAME_OFFSET_DIRENTPLUS);
		if (plus.dirent.namelen == strlen(name) &&
			!memcmp(list + at + FUSE_NAME_OFFSET_DIRENTPLUS, name, strlen(name)))
			return plus.entry_out.attr.flags;
		at += FUSE_DIRENTPLUS_SIZE(&plus);
	}
	fail_msg("%s is not listed", name);
	return 0;
}

/* Every reply that may be the first to name a file says the same of it: without, it stays as it was. */
static void test_instantiate(void **state)
{
	const uint32_t flags = IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP;
	struct {
		struct fuse_mknod_in in;
		char name[4];
	} mknod = { { .mode = S_IFREG | 0644 }, "new" };
	struct {
		struct fuse_link_in in;
		char name[5];
	} link;
	struct {
		struct fuse_create_in in;
		char name[4];
	} tmpfile = { { .flags = O_RDWR, .mode = S_IFREG | 0600 }, "tmp" };
	struct abi_entry_out entry;
	struct abi_created_out created;
	struct kernel *k;
	uint64_t file;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("32M", "-t ext4 -b 4096 -J size=4");
	k = kernel_new(0);
	file = k->nodeid;
	assert_int_equal(listed_flags(k, "b"), flags);
	assert_int_equal(listed_flags(k, "lost+found"), 0);
	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, FUSE_MKNOD, &mknod, sizeof(mknod), &entry, sizeof(entry)), 0);
	assert_int_equal(entry.attr.flags, flags);
	mknod.in.mode = S_IFIFO | 0644;
	memcpy(mknod.name, "pip", 4);
	assert_int_equal(call(k, FUSE_MKNOD, &mknod, sizeof(mknod), &entry, sizeof(entry)), 0);
	assert_int_equal(entry.attr.flags, 0);
	link.in.oldnodeid = file;
	memcpy(link.name, "also", 5);
	assert_int_equal(call(k, FUSE_LINK, &link, sizeof(link), &entry, sizeof(entry)), 0);
	assert_int_equal(entry.attr.flags, flags);
	assert_int_equal(entry.nodeid, file);
	assert_int_equal(
		call(k, ABI_OP_TMPFILE, &tmpfile, sizeof(tmpfile), &created, sizeof(created)), 0);
	assert_int_equal(created.entry.attr.flags, flags);
	k->nodeid = file;
	kernel_free(k);
}

/* A file without a name goes on until the kernel forgets it. */
static void test_unlinked(void **state)
{
	const struct fuse_forget_in forget = { .nlookup = 1 };
	struct abi_entry_out entry;
	struct statvfs before, after;
	struct kernel *k;
	uint32_t rng = 9;
	uint64_t file;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("32M", "-t ext4 -b 4096 -J size=4");
	k = kernel_new(0);
	assert_int_equal(fs_statfs(k->server.ops.fs, &before), 0);
	file = k->nodeid;
	write_buffered(k, 0, 100000, &rng);
	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, FUSE_UNLINK, "a", 2, NULL, 0), 0);
	k->nodeid = file;
	write_direct(k, 400000 & ~4095u, 65536, &rng);
	truncate_file(k, 300000);
	write_buffered(k, 290000, 50000, &rng);
	read_direct(k);
	sync_file(k);
	post(k, FUSE_FORGET, file, &forget, sizeof(forget));
	k->nodeid = FUSE_ROOT_ID;
	/* absence is an entry of node 0; and when that has come FORGET may still be under way */
	assert_int_equal(call(k, FUSE_LOOKUP, "a", 2, &entry, sizeof(entry)), 0);
	assert_int_equal(entry.nodeid, 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(fs_sync(k->server.ops.fs), 0);
		assert_int_equal(fs_statfs(k->server.ops.fs, &after), 0);
		if (after.f_bfree == before.f_bfree)
			break;
		usleep(1000);
	}
	assert_int_equal(after.f_bfree, before.f_bfree);
	disconnect(k);
	judge(false);
	free(k);
}

/* What others could send, and what there is no answer to. */
static void test_refusals(void **state)
{
	struct iomap_abi_begin_in in = { .pos = 0, .count = 4096 };
	struct iomap_abi_ioend_in ioend = { .flags = IOMAP_ABI_IOEND_DIRECT, .error = -ENOSYS };
	struct iomap_abi_freeze_in freeze = { 0 };
	struct iomap_abi_ioend_out ended;
	struct iomap_abi_begin_out out;
	struct iomap_abi_map map;
	struct kernel *k;
	uint32_t rng = 5;
	uint64_t file;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("64M", "-t ext4 -b 4096 -J size=8");
	k = kernel_new(0);
	write_direct(k, 0, 8192, &rng);
	in.attr_ino = k->f->ino + 1;
	assert_int_equal(call(k, IOMAP_ABI_OP_BEGIN, &in, sizeof(in), &out, sizeof(out)), -EINVAL);
	in.attr_ino = k->f->ino;
	assert_int_equal(call(k, IOMAP_ABI_OP_BEGIN, &in, 16, &out, sizeof(out)), -EINVAL);
	assert_int_equal(begin(k, IOMAP_ABI_ON_WRITE, (uint64_t)INT64_MAX - 100, 50, &map), -EFBIG);
	assert_int_equal(begin(k, IOMAP_ABI_ON_WRITE, k->limits.max_size, 50, &map), -EFBIG);
	assert_int_equal(begin(k, IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_NOWAIT, 1 << 20, 50, &map), -EAGAIN);
	/* swap and atomic writes ask each time, and get it in the reply */
	assert_int_equal(begin(k, IOMAP_ABI_ON_REPORT | IOMAP_ABI_ON_SWAPFILE, 0, 8192, &map), 0);
	assert_true(map.type == IOMAP_ABI_MAPPED && !(map.flags & IOMAP_ABI_F_DIRTY));
	assert_int_equal(begin(k, IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_DIRECT | IOMAP_ABI_ON_ATOMIC, 4096,
				 4096, &map),
		0);
	assert_true(map.flags & IOMAP_ABI_F_ATOMIC_BIO);
	/* an error is not echoed: ENOSYS would be the last IOEND ever */
	ioend.attr_ino = k->f->ino;
	assert_int_equal(call(k, IOMAP_ABI_OP_IOEND, &ioend, sizeof(ioend), &ended, sizeof(ended)), 0);
	assert_int_equal(ended.newsize, 8192);
	assert_int_equal(call(k, IOMAP_ABI_OP_FREEZE, &freeze, 4, NULL, 0), -EINVAL);
	/* directories are nobody's to move */
	file = k->nodeid;
	in.attr_ino = EXT2_ROOT_INO;
	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, IOMAP_ABI_OP_BEGIN, &in, sizeof(in), &out, sizeof(out)), -EINVAL);
	k->nodeid = file;
	kernel_free(k);
}

static void set_size(struct kernel *k, uint64_t size)
{
	const struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	struct abi_attr_out out;

	assert_int_equal(call(k, FUSE_SETATTR, &in, sizeof(in), &out, sizeof(out)), 0);
	assert_int_equal(out.attr.size, size);
}

/* The file is the server's: what it cuts off does not come back when the file grows again. */
static void check_cut(struct kernel *k)
{
	char bytes[1000];
	struct inode *inode;

	assert_int_equal(inode_get(k->server.ops.fs, (uint32_t)k->f->ino, &inode), 0);
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(file_write(inode, 0, bytes, sizeof(bytes), true, false), sizeof(bytes));
	set_size(k, 100);
	set_size(k, sizeof(bytes));
	assert_int_equal(file_read(inode, 0, bytes, sizeof(bytes)), sizeof(bytes));
	inode_put(inode);
	assert_int_equal(bytes[99], 'x');
	for (size_t i = 100; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
}

/* A page that was stored to by a mapping: the write is all that tells of it, and moves the time. */
static void check_store(struct kernel *k)
{
	struct {
		struct fuse_write_in in;
		char bytes[5];
	} request = { .in = { .size = 5, .write_flags = FUSE_WRITE_CACHE }, .bytes = "store" };
	const struct fuse_getattr_in none = { 0 };
	struct fuse_write_out written;
	struct abi_attr_out before, after;

	assert_int_equal(call(k, FUSE_GETATTR, &none, sizeof(none), &before, sizeof(before)), 0);
	assert_int_equal(call(k, FUSE_WRITE, &request, sizeof(request.in) + 5, &written, sizeof(written)), 0);
	assert_int_equal(written.size, 5);
	assert_int_equal(call(k, FUSE_GETATTR, &none, sizeof(none), &after, sizeof(after)), 0);
	assert_true(after.attr.mtime > before.attr.mtime ||
		(after.attr.mtime == before.attr.mtime && after.attr.mtimensec > before.attr.mtimensec));
}

/*
 * chmod(2) changes the ACL, which the server does, and of files that the kernel moves it keeps the one it has, by
 * which it permits: it must have been told to drop it before the reply.
 */
static void test_chmod(void **state)
{
	const struct fuse_setattr_in mode = { .valid = FATTR_MODE, .mode = S_IFREG | 0600 };
	struct abi_attr_out out;
	struct kernel *k;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("64M", "-t ext4 -b 4096 -J size=8");
	k = kernel_new(0);
	k->forgotten_acls = 0;
	assert_int_equal(call(k, FUSE_SETATTR, &mode, sizeof(mode), &out, sizeof(out)), 0);
	assert_int_equal(out.attr.mode, mode.mode);
	assert_int_equal(k->forgotten_acls, 1);
	set_times(k);
	assert_int_equal(k->forgotten_acls, 1);
	kernel_free(k);
}

static void call_statx(struct kernel *k, uint32_t mask, struct abi_statx *ret)
{
	const struct abi_statx_in in = { .sx_mask = mask };
	struct abi_statx_out out;

	assert_int_equal(call(k, ABI_OP_STATX, &in, sizeof(in), &out, sizeof(out)), 0);
	*ret = out.stat;
}

/* What direct IO needs: the device's limits, but atomic writes are of one block or there are none. */
static void test_statx(void **state)
{
	const uint32_t asked = STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN | 0x8000 | 0x10000;
	static const struct {
		uint32_t min, max, unit;
	} cases[] = { { 0, 0, 0 }, { 512, 16384, 4096 }, { 4096, 4096, 4096 }, { 8192, 16384, 0 },
		{ 512, 2048, 0 } };
	struct abi_statx stx;
	struct kernel *k;
	uint64_t file;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("32M", "-t ext4 -b 4096 -J size=4");
	assert_int_equal(sh("debugfs -w -R 'set_inode_field b flags 0x80070' image"), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t atomic = cases[i].unit ? 0x400000 : 0;

		device_limits = (struct iomap_device_limits){ .mem_align = 4, .offset_align = 512,
			.atomic_min = cases[i].min, .atomic_max = cases[i].max };
		k = kernel_new(0);
		file = k->nodeid;
		call_statx(k, asked, &stx);
		assert_int_equal(stx.mask,
			STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN | 0x10000);
		assert_int_equal(stx.dio_mem_align, 4);
		assert_int_equal(stx.dio_offset_align, 512);
		assert_int_equal(stx.atomic_write_unit_min, cases[i].unit);
		assert_int_equal(stx.atomic_write_unit_max, cases[i].unit);
		assert_int_equal(stx.atomic_write_segments_max, cases[i].unit ? 1 : 0);
		assert_int_equal(stx.attributes, atomic);
		assert_int_equal(stx.attributes_mask & 0x400000, 0x400000);
		/* only what is asked for */
		call_statx(k, STATX_BASIC_STATS, &stx);
		assert_int_equal(stx.mask, STATX_BASIC_STATS | STATX_BTIME);
		assert_int_equal(stx.dio_offset_align | stx.atomic_write_unit_max, 0);
		/* nothing of it for directories; and what chattr(1) sets */
		k->nodeid = FUSE_ROOT_ID;
		call_statx(k, asked, &stx);
		assert_int_equal(stx.mask, STATX_BASIC_STATS | STATX_BTIME);
		k->nodeid = file;
		assert_int_equal(look_up(k, "b") & IOMAP_ABI_ATTR_ATOMIC,
			cases[i].unit ? IOMAP_ABI_ATTR_ATOMIC : 0);
		call_statx(k, asked, &stx);
		assert_int_equal(stx.attributes,
			atomic | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP);
		disconnect(k);
		judge(false);
		free(k);
	}
	device_limits = (struct iomap_device_limits){ .mem_align = 0 };
}

/* The image as it would be on a snapshot of the device: clean. orphans: what e2fsck -p repairs. */
static void check_snapshot(bool orphans)
{
	assert_int_equal(sh("cp image snap"), 0);
	assert_int_not_equal(sh("dumpe2fs -h snap | grep needs_recovery"), 0);
	if (orphans)
		assert_int_equal(sh("e2fsck -fp snap") >> 8 & ~1, 0);
	assert_int_equal(sh("e2fsck -fn snap"), 0);
}

/* While it is frozen the kernel changes nothing, but reads, syncs, and forgets what nobody uses any more. */
static void test_freeze(void **state)
{
	const struct fuse_forget_in forget = { .nlookup = 1 };
	struct abi_entry_out entry;
	struct iomap_abi_map map;
	struct statvfs frozen, after;
	struct kernel *k;
	uint64_t files[40], file;
	uint32_t rng = 11;
	char name[16];

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("32M", "-t ext4 -b 4096 -J size=4");
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(sh("debugfs -w -R 'write /etc/passwd u%u' image", i), 0);
	k = kernel_new(0);
	file = k->nodeid;
	write_buffered(k, 0, 100000, &rng);
	sync_file(k);
	/* more of them than there are threads */
	k->nodeid = FUSE_ROOT_ID;
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		size_t len = (size_t)snprintf(name, sizeof(name), "u%u", i) + 1;

		assert_int_equal(call(k, FUSE_LOOKUP, name, len, &entry, sizeof(entry)), 0);
		files[i] = entry.nodeid;
		assert_int_equal(call(k, FUSE_UNLINK, name, len, NULL, 0), 0);
	}
	k->nodeid = file;
	assert_int_equal(freeze(k, ARRAY_SIZE(files)), 0);
	check_snapshot(true);
	assert_int_equal(sh("cp image before"), 0);
	assert_int_equal(freeze(k, 0), -EBUSY);
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
		post(k, FUSE_FORGET, files[i], &forget, sizeof(forget));
	drop_maps(k, 0, ROOM);
	read_direct(k);
	assert_int_equal(begin(k, IOMAP_ABI_ON_REPORT, 0, 4096, &map), 0);
	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, FUSE_LOOKUP, "b", 2, &entry, sizeof(entry)), 0);
	k->nodeid = file;
	assert_int_equal(fs_sync(k->server.ops.fs), 0);
	assert_int_equal(sh("cmp image before"), 0);
	assert_int_equal(fs_statfs(k->server.ops.fs, &frozen), 0);
	assert_int_equal(unfreeze(k), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(fs_sync(k->server.ops.fs), 0);
		assert_int_equal(fs_statfs(k->server.ops.fs, &after), 0);
		if (after.f_ffree == frozen.f_ffree + ARRAY_SIZE(files))
			break;
		usleep(1000);
	}
	assert_int_equal(after.f_ffree, frozen.f_ffree + ARRAY_SIZE(files));
	write_buffered(k, 50000, 100000, &rng);
	sync_file(k);
	check_killed(k, true);
	assert_int_equal(freeze(k, 0), 0);
	check_snapshot(false);
	assert_int_equal(unfreeze(k), 0);
	kernel_free(k);
}

/* The device has died: nothing works any more, and nothing is written. */
static void test_shutdown(void **state)
{
	const struct iomap_abi_shutdown_in in = { .flags = 0 };
	const struct iomap_abi_begin_in look = { .count = 4096 };
	const struct fuse_forget_in forget = { .nlookup = 1 };
	const struct fuse_getattr_in getattr = { .getattr_flags = 0 };
	struct iomap_abi_begin_out begun;
	struct abi_entry_out entry;
	struct abi_attr_out attr;
	struct kernel *k;
	uint32_t rng = 12;
	uint64_t file;

	(void)state;
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	make_image("32M", "-t ext4 -b 4096 -J size=4");
	k = kernel_new(0);
	file = k->nodeid;
	write_buffered(k, 0, 100000, &rng);
	sync_file(k);
	write_buffered(k, 100000, 100000, &rng);
	write_back(k);
	k->nodeid = FUSE_ROOT_ID;
	assert_int_equal(call(k, IOMAP_ABI_OP_SHUTDOWN, &in, sizeof(in), NULL, 0), 0);
	assert_int_equal(sh("cp image before"), 0);
	assert_int_equal(call(k, FUSE_LOOKUP, "b", 2, &entry, sizeof(entry)), -EIO);
	k->nodeid = file;
	assert_int_equal(call(k, FUSE_GETATTR, &getattr, sizeof(getattr), &attr, sizeof(attr)), -EIO);
	assert_int_equal(call(k, IOMAP_ABI_OP_BEGIN, &look, sizeof(look), &begun, sizeof(begun)), -EIO);
	assert_int_equal(unfreeze(k), 0);
	assert_int_equal(call(k, IOMAP_ABI_OP_SHUTDOWN, &in, sizeof(in), NULL, 0), 0);
	post(k, FUSE_FORGET, file, &forget, sizeof(forget));
	close(k->fd);
	close(k->image);
	assert_int_equal(end_server(&k->server), -EIO);
	assert_int_equal(sh("cmp image before"), 0);
	assert_int_equal(sh("e2fsck -p image") >> 8 & ~1, 0);
	judge(false);
	free(k);
}

/* What goes another way although there is iomap, and all of it if there is none. */
static void test_classic(void **state)
{
	struct kernel *k = calloc(1, sizeof(*k));
	struct abi_init_out out;

	(void)state;
	assert_non_null(k);
	need(access("/dev/fuse", R_OK | W_OK) == 0, "/dev/fuse");
	/* inline contents are ours to read */
	make_image("32M", "-t ext4 -b 4096 -I 256 -O inline_data");
	assert_int_equal(sh("printf hello >from/c; debugfs -w -R 'write from/c c' image"), 0);
	open_server(&k->server, "image", 0);
	connect_kernel(k);
	assert_int_equal(init(k, IOMAP_ABI_MINOR, true, SESSION_IOMAP_AUTO, &out), 0);
	assert_int_equal(configure(k), 0);
	assert_int_equal(look_up(k, "c"), 0);
	check_store(k);
	disconnect(k);
	/* the device is not taken: nothing is moved by the kernel */
	make_image("32M", "-t ext4 -b 4096");
	open_server(&k->server, "image", 0);
	connect_kernel(k);
	ioctls.refuse = true;
	assert_int_equal(init(k, IOMAP_ABI_MINOR, true, SESSION_IOMAP_AUTO, &out), 0);
	assert_int_equal(configure(k), 0);
	assert_int_equal(look_up(k, "a"), 0);
	check_cut(k);
	disconnect(k);
	/* a server without rights: the kernel makes the device's blocks smaller, or it is not used */
	for (unsigned i = 0; i < 3; i++) {
		make_image("32M", "-t ext4 -b 1024");
		open_server(&k->server, "image", 0);
		connect_kernel(k);
		ioctls.block_size = i == 2 ? 512 : 4096;
		ioctls.keep_size = i != 0;
		ioctls.alone = true;
		assert_int_equal(init(k, IOMAP_ABI_MINOR, true, SESSION_IOMAP_AUTO, &out), 0);
		assert_int_equal(configure(k), 0);
		assert_int_equal(look_up(k, "a") & IOMAP_ABI_ATTR_IOMAP, i == 1 ? 0 : IOMAP_ABI_ATTR_IOMAP);
		disconnect(k);
		assert_int_equal(ioctls.block_size, i == 0 ? 1024 : i == 1 ? 4096 : 512);
	}
	make_image("32M", "-t ext4 -b 4096");
	/* not offered, not wanted, or of another version */
	for (unsigned i = 0; i < 3; i++) {
		open_server(&k->server, "image", 0);
		connect_kernel(k);
		assert_int_equal(init(k, i == 2 ? IOMAP_ABI_MINOR + 1 : IOMAP_ABI_MINOR, i != 0,
					 i == 1 ? SESSION_IOMAP_OFF : SESSION_IOMAP_AUTO, &out),
			0);
		assert_true(out.minor < IOMAP_ABI_MINOR);
		assert_int_equal(out.flags2, 0);
		assert_true(out.flags & FUSE_WRITEBACK_CACHE);
		assert_int_equal(look_up(k, "a"), 0);
		assert_int_equal(ioctls.nofs + ioctls.device, 0);
		disconnect(k);
	}
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upcalls),
		cmocka_unit_test(test_instantiate),
		cmocka_unit_test(test_unlinked),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_chmod),
		cmocka_unit_test(test_statx),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_classic),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_pressed),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
