// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel keeps mappings (UPSERT) and revalidates what it uses of them; what comes in a reply alone it trusts
 * to the end, which is wrong for unwritten blocks that become data meanwhile. So each mapping is uploaded, while
 * the inode's lock keeps it true, and the reply says to look there. What makes it untrue later, the end of a
 * write, truncate(2) and fallocate(2), the kernel knows of and drops it by itself, after our reply: that the upload
 * was before is the lock's doing.
 */
#include "config.h"

#include "fuse/iomap.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "fs/file_iomap.h"
#include "fuse/iomap_device.h"
#include "fuse/iomap_wire.h"
#include "fuse/nodes.h"
#include "fuse/reply.h"

struct iomap {
	struct fs *fs;	     /* [const] */
	struct nodes *nodes; /* [const] NULL: nothing is written */
	struct log *log;     /* [const] */
	bool on;	     /* [const] once INIT is answered */
	int device;	     /* [const] owned, -1: none */
	struct iomap_device_limits limits; /* [const] the device's */
	uint64_t offset;     /* [const] where the image begins on it, bytes */
	atomic_bool shut;    /* the device has died */
	_Atomic uint32_t id; /* of the device to the kernel, IOMAP_ABI_NO_DEV before CONFIG */
};

int iomap_new(struct fs *fs, struct nodes *nodes, struct log *log, struct iomap **ret)
{
	struct iomap *iomap = calloc(1, sizeof(*iomap));

	if (!iomap)
		return -ENOMEM;
	iomap->fs = fs;
	iomap->nodes = nodes;
	iomap->log = log;
	iomap->device = -1;
	*ret = iomap;
	return 0;
}

void iomap_free(struct iomap *iomap)
{
	if (!iomap)
		return;
	if (iomap->device >= 0)
		close(iomap->device);
	free(iomap);
}

int iomap_prepare(struct iomap *iomap, const char **ret_why)
{
	const struct super *sb = fs_super(iomap->fs);
	int fd, err = file_iomap_locate(iomap->fs, &fd, &iomap->offset);

	*ret_why = "the image is not all on one device";
	/* the kernel drops the low bits of addresses that are no multiple of a block */
	if (!err && iomap->offset % sb->block_size) {
		err = -EINVAL;
		*ret_why = "the filesystem does not begin at a block of the device";
	}
	if (!err)
		err = iomap_device_open(fd, iomap->nodes, sb->block_size, &iomap->device, ret_why);
	if (!err) {
		err = file_iomap_enable(iomap->fs);
		*ret_why = "out of memory";
	}
	if (!err)
		iomap->limits = iomap_device_limits(iomap->device);
	/* the client allows blocks alone, neither parts nor several */
	if (iomap->limits.atomic_min > sb->block_size || iomap->limits.atomic_max < sb->block_size)
		iomap->limits.atomic_min = iomap->limits.atomic_max = 0;
	if (iomap->limits.atomic_min)
		iomap->limits.atomic_min = iomap->limits.atomic_max = sb->block_size;
	iomap->on = !err;
	return err;
}

bool iomap_is_on(const struct iomap *iomap)
{
	return iomap && iomap->on;
}

/* ---- which files ---- */

/* Whether the kernel moves any: without a device nobody could look at the mappings. */
static bool has_device(const struct iomap *iomap)
{
	return iomap_is_on(iomap) && atomic_load(&iomap->id) != IOMAP_ABI_NO_DEV;
}

/*
 * Whether the kernel moves the bytes of ino. It may have been ours until the kernel forgot it, with inline contents
 * that grew, and what we wrote in our cache alone.
 */
static bool moves(struct iomap *iomap, uint32_t ino, const struct dinode *d)
{
	bool able = file_iomap_able(iomap->fs, d);

	if (!has_device(iomap))
		return false;
	/* once for each that the kernel hears of, not for each reply */
	if (able && !nodes_moves_decided(iomap->nodes, ino) && file_iomap_settle(iomap->fs))
		able = false;
	return nodes_moves(iomap->nodes, ino, able);
}

const struct iomap_device_limits *iomap_limits(struct iomap *iomap, uint32_t ino, const struct dinode *d)
{
	return moves(iomap, ino, d) ? &iomap->limits : NULL;
}

uint32_t iomap_attr_flags(struct iomap *iomap, uint32_t ino, const struct dinode *d)
{
	uint32_t flags = IOMAP_ABI_ATTR_EXCLUSIVE | IOMAP_ABI_ATTR_IOMAP;

	if (!moves(iomap, ino, d))
		return 0;
	if (iomap->limits.atomic_min)
		flags |= IOMAP_ABI_ATTR_ATOMIC;
	if (d->flags & EXT2_SYNC_FL)
		flags |= IOMAP_ABI_ATTR_SYNC;
	if (d->flags & EXT2_IMMUTABLE_FL)
		flags |= IOMAP_ABI_ATTR_IMMUTABLE;
	if (d->flags & EXT2_APPEND_FL)
		flags |= IOMAP_ABI_ATTR_APPEND;
	return flags;
}

bool iomap_note(struct iomap *iomap, struct inode *inode)
{
	struct dinode d;
	bool outside;

	if (!has_device(iomap) || dinode_load(iomap->fs, inode->ino, &d))
		return false;
	outside = moves(iomap, inode->ino, &d);
	/* it may be that the number was another file's */
	atomic_store_explicit(&inode->outside, outside, memory_order_relaxed);
	return outside;
}

void iomap_forget(struct iomap *iomap, uint32_t ino)
{
	if (iomap_is_on(iomap))
		file_iomap_forget(iomap->fs, ino);
}

/* ---- requests ---- */

/* Holds the inode that a request is about; it names it twice. */
static int get(struct iomap *iomap, const struct abi_in_header *head, uint64_t attr_ino,
	struct inode **ret)
{
	uint32_t ino;
	int err = reply_ino(head->nodeid, &ino);

	if (!err && attr_ino != ino)
		err = -EINVAL;
	if (!err)
		err = inode_get(iomap->fs, ino, ret);
	if (!err)
		(void)iomap_note(iomap, *ret);
	return err;
}

/* ENOSYS would turn the request off for ever. */
static int not_enosys(int err)
{
	return err == -ENOSYS ? -EIO : err;
}

/* Of a device that we were not allowed to open, and so could not set. */
static int set_block_size(const struct iomap *iomap, int id)
{
	const uint32_t have = iomap_device_block_size(iomap->device), want = fs_super(iomap->fs)->block_size;
	struct iomap_abi_backing_info info = { .backing_id = (uint32_t)id, .blocksize = want };
	int err = have && have != want ? session_ioctl(IOMAP_ABI_IOC_SET_BLOCKSIZE, &info) : 0;

	/* smaller blocks hold metadata and data apart as well */
	return err < 0 && have > want ? err : 0;
}

static void register_device(struct iomap *iomap)
{
	struct iomap_abi_backing backing = { .fd = iomap->device, .flags = IOMAP_ABI_BACKING_IOMAP };
	int id = session_ioctl(IOMAP_ABI_IOC_BACKING_OPEN, &backing);
	int err = id > 0 ? set_block_size(iomap, id) : 0;

	if (err)
		id = err;
	/* no file is moved by the kernel then */
	if (id <= 0)
		log_warn(iomap->log, "the kernel does not take the device for iomap: %s",
			strerror(-id));
	else
		atomic_store(&iomap->id, (uint32_t)id);
}

static void config(struct iomap *iomap, const struct abi_in_header *head, size_t len)
{
	const struct super *sb = fs_super(iomap->fs);
	struct timespec min = { .tv_sec = INT64_MIN }, max = { .tv_sec = INT64_MAX };
	struct iomap_abi_config_in in;
	struct iomap_abi_config_out out = {
		.flags = IOMAP_ABI_CONFIG_SID | IOMAP_ABI_CONFIG_UUID | IOMAP_ABI_CONFIG_BLOCKSIZE |
			IOMAP_ABI_CONFIG_TIME | IOMAP_ABI_CONFIG_MAXBYTES,
		.s_id = "ext4d",
		.s_uuid_len = sizeof(out.s_uuid),
		.s_blocksize = sb->block_size,
		.s_time_gran = sb->inode_size == EXT2_GOOD_OLD_INODE_SIZE ? 1000000000 : 1,
		.s_time_min = dinode_clamp_time(sb, sb->want_extra_isize, min).tv_sec,
		.s_time_max = dinode_clamp_time(sb, sb->want_extra_isize, max).tv_sec,
		.s_maxbytes = (int64_t)file_iomap_max_size(iomap->fs),
	};
	int err = iomap_wire_argument(head, len, &in, sizeof(in));

	if (!err)
		register_device(iomap);
	memcpy(out.s_uuid, sb->uuid, sizeof(out.s_uuid));
	if (!err && out.s_maxbytes > in.maxbytes)
		out.s_maxbytes = in.maxbytes;
	session_reply(head->unique, err, &out, sizeof(out));
}

/* ---- BEGIN ---- */

/* One BEGIN on its way. */
struct beginning {
	struct iomap *iomap;
	uint64_t nodeid, ino;
	struct iomap_abi_map map;
	bool uploaded;
};

static struct iomap_abi_map encode(const struct iomap *iomap, const struct file_iomap *map)
{
	static const uint16_t types[] = {
		[FILE_IOMAP_HOLE] = IOMAP_ABI_HOLE,
		[FILE_IOMAP_UNWRITTEN] = IOMAP_ABI_UNWRITTEN,
		[FILE_IOMAP_DATA] = IOMAP_ABI_MAPPED,
		[FILE_IOMAP_INLINE] = IOMAP_ABI_INLINE,
	};
	struct iomap_abi_map ret = { .offset = map->off, .length = map->len,
		.type = types[map->kind], .addr = IOMAP_ABI_NO_ADDR, .dev = IOMAP_ABI_NO_DEV };

	if (map->dirty)
		ret.flags |= IOMAP_ABI_F_DIRTY;
	if (map->kind == FILE_IOMAP_DATA || map->kind == FILE_IOMAP_UNWRITTEN) {
		ret.addr = iomap->offset + map->addr;
		ret.dev = atomic_load(&iomap->id);
	}
	return ret;
}

/* Under the inode's lock: the mapping is true until the kernel has it. */
static void upload(void *arg, const struct file_iomap *map)
{
	struct beginning *beg = arg;
	struct iomap_abi_upsert upsert = { .nodeid = beg->nodeid, .attr_ino = beg->ino,
		.read = encode(beg->iomap, map), .write = iomap_wire_nocache() };

	beg->uploaded = session_notify(IOMAP_ABI_NOTIFY_UPSERT, &upsert, sizeof(upsert)) == 0;
	if (!beg->uploaded) {
		/* ESTALE, ENOMEM: what it may have of the range is not to be used either */
		struct iomap_abi_inval inval = { .nodeid = beg->nodeid, .attr_ino = beg->ino,
			.read = { map->off, map->len } };

		if (session_notify(IOMAP_ABI_NOTIFY_INVAL, &inval, sizeof(inval)))
			return; /* it has nothing */
	}
}

/* What the kernel is going to do. */
static struct file_iomap_request plan(const struct abi_in_header *head,
	const struct iomap_abi_begin_in *in, struct beginning *beg)
{
	struct file_iomap_request ask = { .use = FILE_IOMAP_LOOK, .pos = in->pos, .len = in->count,
		.found = upload, .arg = beg };

	if (in->opflags & IOMAP_ABI_ON_WRITEBACK) {
		/* nobody knows whose it is, and it was promised */
		ask.use = FILE_IOMAP_WRITE;
		ask.flags = FILE_IOMAP_LATE | FILE_IOMAP_RESERVED;
	} else if (in->opflags & IOMAP_ABI_ON_WRITE) {
		ask.use = FILE_IOMAP_WRITE;
		ask.flags = head->uid == 0 ? FILE_IOMAP_RESERVED : 0;
	} else if (in->opflags & IOMAP_ABI_ON_CHANGE) {
		ask.use = FILE_IOMAP_ZERO; /* nothing is shared, so nothing to be unshared */
	} else if (in->opflags & IOMAP_ABI_ON_SWAPFILE) {
		ask.use = FILE_IOMAP_SWAP;
	}
	if (in->opflags & IOMAP_ABI_ON_NOWAIT)
		ask.flags |= FILE_IOMAP_NOWAIT;
	if (in->opflags & IOMAP_ABI_ON_ATOMIC)
		ask.flags |= FILE_IOMAP_WHOLE;
	/* these two never look into the cache */
	if (in->opflags & (IOMAP_ABI_ON_ATOMIC | IOMAP_ABI_ON_SWAPFILE))
		ask.found = NULL;
	return ask;
}

static void check_reply(const struct iomap *iomap, const struct iomap_abi_begin_out *out, uint64_t pos,
	bool uploaded)
{
	const struct iomap_wire_limits limits = { .block_size = fs_super(iomap->fs)->block_size,
		.max_size = file_iomap_max_size(iomap->fs), .cached = uploaded };

	assert(iomap_wire_check_begin(out, pos, &limits) == 0);
	(void)out;
	(void)pos;
	(void)limits;
}

static void begin(struct iomap *iomap, const struct abi_in_header *head, size_t len)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct beginning beg = { .iomap = iomap, .nodeid = head->nodeid };
	struct iomap_abi_begin_out out;
	struct iomap_abi_begin_in in;
	struct file_iomap_request ask;
	struct file_iomap map;
	int err = iomap_wire_argument(head, len, &in, sizeof(in));

	if (!err)
		err = get(iomap, head, in.attr_ino, &inode);
	if (!err && !inode->outside)
		err = -EINVAL;
	if (!err) {
		beg.ino = inode->ino;
		ask = plan(head, &in, &beg);
		err = file_iomap_begin(inode, &ask, &map);
	}
	if (!err) {
		out.read = encode(iomap, &map);
		if (in.opflags & IOMAP_ABI_ON_ATOMIC)
			out.read.flags |= IOMAP_ABI_F_ATOMIC_BIO;
		out.write = iomap_wire_overwrite(&out.read);
		if (beg.uploaded)
			out.read = iomap_wire_retry(&out.read);
		check_reply(iomap, &out, in.pos, beg.uploaded);
	}
	session_reply(head->unique, not_enosys(err), &out, sizeof(out));
}

/* ---- END, IOEND ---- */

static void end(struct iomap *iomap, const struct abi_in_header *head, size_t len)
{
	const uint32_t kind = IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_DIRECT;
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct iomap_abi_end_in in;
	int err = iomap_wire_argument(head, len, &in, sizeof(in));

	/* nothing was set aside for what was not written */
	if (!err && (in.opflags & kind) == IOMAP_ABI_ON_WRITE && in.written > 0 &&
		in.map.flags & IOMAP_ABI_F_SIZE_CHANGED) {
		err = get(iomap, head, in.attr_ino, &inode);
		if (!err && in.pos > (uint64_t)INT64_MAX - (uint64_t)in.written)
			err = -EFBIG;
		if (!err)
			err = file_iomap_grown(inode, in.pos + (uint64_t)in.written);
	}
	session_reply(head->unique, not_enosys(err), NULL, 0);
}

static void ioend(struct iomap *iomap, const struct abi_in_header *head, size_t len)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct iomap_abi_ioend_out out = { 0 };
	struct iomap_abi_ioend_in in;
	int err = iomap_wire_argument(head, len, &in, sizeof(in));

	if (!err)
		err = get(iomap, head, in.attr_ino, &inode);
	/* what failed stays unwritten; swapoff has nothing to give back */
	if (!err && (in.error || in.flags & IOMAP_ABI_IOEND_SWAPOFF))
		in.written = 0;
	if (!err)
		err = file_iomap_written(inode, in.pos, in.written, &out.newsize);
	session_reply(head->unique, not_enosys(err), &out, sizeof(out));
}

/* ---- the filesystem ---- */

static void freeze(struct iomap *iomap, const struct abi_in_header *head, size_t len)
{
	struct iomap_abi_freeze_in in;
	int err = iomap_wire_argument(head, len, &in, sizeof(in));

	if (!err)
		err = fs_freeze(iomap->fs, in.unlinked > 0);
	session_reply(head->unique, not_enosys(err), NULL, 0);
}

/* As with ext4_unfreeze() users go on in any case, and may find the filesystem read-only: with an error they would not. */
static void unfreeze(struct iomap *iomap, const struct abi_in_header *head)
{
	int err = fs_thaw(iomap->fs);

	if (err)
		log_error(iomap->log, "unfreezing: %s", strerror(-err));
	session_reply(head->unique, 0, NULL, 0);
}

static void shut(struct iomap *iomap, const struct abi_in_header *head)
{
	atomic_store(&iomap->shut, true);
	fs_shutdown(iomap->fs);
	session_reply(head->unique, 0, NULL, 0);
}

/* Fails what comes after that, as ext4_forced_shutdown() does at all doors, but what only ends something. */
static bool refuse(const struct abi_in_header *head)
{
	switch (head->opcode) {
	case ABI_OP_FORGET:
	case ABI_OP_BATCH_FORGET:
	case ABI_OP_RELEASE:
	case ABI_OP_RELEASEDIR:
	case ABI_OP_INTERRUPT:
	case ABI_OP_DESTROY:
	case IOMAP_ABI_OP_UNFREEZE:
	case IOMAP_ABI_OP_SHUTDOWN:
		return false;
	default:
		session_reply(head->unique, -EIO, NULL, 0);
		return true;
	}
}

bool iomap_intercept(struct iomap *iomap, const struct abi_in_header *head, size_t len)
{
	if (!iomap_is_on(iomap))
		return false;
	if (atomic_load_explicit(&iomap->shut, memory_order_relaxed) && refuse(head))
		return true;
	switch (head->opcode) {
	case IOMAP_ABI_OP_CONFIG:
		config(iomap, head, len);
		return true;
	case IOMAP_ABI_OP_BEGIN:
		begin(iomap, head, len);
		return true;
	case IOMAP_ABI_OP_END:
		end(iomap, head, len);
		return true;
	case IOMAP_ABI_OP_IOEND:
		ioend(iomap, head, len);
		return true;
	case IOMAP_ABI_OP_FREEZE:
		freeze(iomap, head, len);
		return true;
	case IOMAP_ABI_OP_UNFREEZE:
		unfreeze(iomap, head);
		return true;
	case IOMAP_ABI_OP_SHUTDOWN:
		shut(iomap, head);
		return true;
	default:
		return false;
	}
}
