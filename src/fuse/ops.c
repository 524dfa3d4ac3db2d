// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/atime.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/symlink.h"
#include "fs/xattr.h"
#include "fuse/ioctl.h"
#include "fuse/iomap.h"
#include "fuse/nodes.h"
#include "fuse/ops_edit.h"
#include "fuse/seek.h"
#include "fuse/statx.h"

static struct ops_context *context(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Holds the inode behind a node id. */
static int node_get(fuse_req_t req, fuse_ino_t node, struct inode **ret)
{
	uint32_t ino;
	int err = reply_ino(node, &ino);

	session_begin(req);
	return err ? err : inode_get(context(req)->fs, ino, ret);
}

static void set_capability(struct fuse_conn_info *conn, unsigned cap, bool on)
{
	if (on && conn->capable & cap)
		conn->want |= cap;
	else
		conn->want &= ~cap;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	const struct ops_context *ctx = userdata;

	conn->max_write = SESSION_MAX_IO;
	conn->max_background = 64;
	/* what an inode holds (ext4_fill_super()), since the kernel believes itself about mtimes */
	conn->time_gran = fs_super(ctx->fs)->inode_size == EXT2_GOOD_OLD_INODE_SIZE ? 1000000000 : 1;
	set_capability(conn, FUSE_CAP_READDIRPLUS, true);
	set_capability(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
	/* a target that is shown without its key would stay */
	set_capability(conn, FUSE_CAP_CACHE_SYMLINKS, !super_has_encrypt(fs_super(ctx->fs)));
	set_capability(conn, FUSE_CAP_EXPORT_SUPPORT, true);
	set_capability(conn, FUSE_CAP_POSIX_ACL, !ctx->no_acl);
	/* default ACLs decide whether the umask counts: the core applies it */
	set_capability(conn, FUSE_CAP_DONT_MASK, true);
	set_capability(conn, FUSE_CAP_IOCTL_DIR, true);
	/* not where nothing is written: it would make the kernel ask for attributes after each close */
	/* nor where the page cache of most files writes past us */
	set_capability(conn, FUSE_CAP_WRITEBACK_CACHE, ctx->nodes && !iomap_is_on(ctx->iomap));
	set_capability(conn, FUSE_CAP_HANDLE_KILLPRIV, false); /* see session_config.init_flags */
	/* with OPEN answered ENOSYS this would lose O_TRUNC */
	set_capability(conn, FUSE_CAP_ATOMIC_O_TRUNC, false);
	/* nothing changes behind the kernel's back */
	set_capability(conn, FUSE_CAP_AUTO_INVAL_DATA, false);
	/* the workers hand over memory: a pipe in between saves nothing */
	set_capability(conn, FUSE_CAP_SPLICE_READ, false);
	set_capability(conn, FUSE_CAP_SPLICE_WRITE, false);
	set_capability(conn, FUSE_CAP_SPLICE_MOVE, false);
}

struct caller ops_caller(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const struct ops_context *ops = fuse_req_userdata(req);

	return (struct caller){
		.uid = ctx->uid, .gid = ctx->gid, .tid = (uint32_t)ctx->pid, .hidden = ops->no_rights };
}

uint32_t ops_tid(fuse_req_t req)
{
	return (uint32_t)fuse_req_ctx(req)->pid;
}

int ops_tell(struct ops_context *ctx, uint32_t ino, uint32_t tid, double timeout,
	struct reply_entry *ret)
{
	struct dinode d;
	int err = nodes_add(ctx->nodes, ino, tid);

	if (err)
		return err;
	err = dinode_load(ctx->fs, ino, &d);
	if (!err)
		err = reply_fill_entry(ctx->fs, &ctx->owner, ino, &d, timeout, &ret->param);
	if (err)
		ops_forget(ctx, ino, 1);
	else
		ret->flags = iomap_attr_flags(ctx->iomap, ino, &d);
	return err;
}

static int lookup(struct ops_context *ctx, struct inode *dir, const char *name, uint32_t tid,
	struct reply_entry *entry)
{
	uint32_t ino = dir->ino;
	double timeout = reply_name_timeout(dir);
	/* "." comes from file handles (NFS, open_by_handle_at): the node itself, of any type */
	int err = strcmp(name, ".") == 0 ? 0 : namei_lookup(dir, name, strlen(name), &ino);

	if (!err)
		err = ops_tell(ctx, ino, tid, timeout, entry);
	/* a name of something that is not there is damage; a handle to it is stale */
	if (err == -ESTALE && ino != dir->ino)
		err = fs_corrupt(ctx->fs, dir->ino, -EUCLEAN,
			"directory names inode %u, which is not in use", ino);
	return err;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	CLEANUP(inode_putp) struct inode *dir = NULL;
	struct reply_entry entry = { .flags = 0 };
	double absence = 0;
	uint32_t ino;
	int err = reply_ino(parent, &ino);

	/* a forged or stale handle is no damage */
	if (!err && super_ino_special(fs_super(context(req)->fs), ino))
		err = -ESTALE;
	if (!err)
		err = node_get(req, parent, &dir);
	if (!err)
		absence = reply_absence_timeout(dir);
	if (!err)
		err = lookup(context(req), dir, name, ops_tid(req), &entry);
	if (err == -ENOENT) {
		/* node 0: the kernel remembers the absence */
		entry.param.entry_timeout = absence;
		err = 0;
	}
	if (err)
		reply_err(req, err);
	else if (reply_entry(req, &entry) && entry.param.ino)
		ops_forget(context(req), reply_node((uint32_t)entry.param.ino), 1);
}

/* Nothing is kept per node of a read-only mount, so nothing is forgotten. */
static void op_ignore_forget(fuse_req_t req, fuse_ino_t node, uint64_t nlookup)
{
	(void)node;
	(void)nlookup;
	fuse_reply_none(req);
}

static void op_ignore_forgets(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct ops_context *ctx = context(req);
	struct dinode d;
	struct stat st;
	double timeout;
	uint32_t ino;
	int err = reply_ino(node, &ino);

	(void)fi;
	if (!err)
		nodes_show(ctx->nodes, ino, ops_tid(req));
	if (!err)
		err = dinode_load(ctx->fs, ino, &d);
	if (!err)
		err = reply_stat(ctx->fs, &ctx->owner, ino, &d, &st, &timeout);
	if (err)
		reply_err(req, err);
	else
		reply_attr(req, &st, iomap_attr_flags(ctx->iomap, ino, &d), timeout);
}

static void op_readlink(fuse_req_t req, fuse_ino_t node)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	char target[SYMLINK_MAX];
	int err = node_get(req, node, &inode);

	if (!err)
		err = symlink_read(inode, target);
	if (!err)
		atime_touch(inode);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_readlink(req, target);
}

/*
 * ENOSYS tells the kernel never to ask again. Where files can be encrypted it must ask: without the
 * key they do not open.
 */
static void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	int err;

	if (!super_has_encrypt(fs_super(context(req)->fs))) {
		reply_err(req, -ENOSYS);
		return;
	}
	err = node_get(req, node, &inode);
	if (!err)
		err = file_check_key(inode);
	fi->keep_cache = 1;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_open(req, fi);
}

/* The same: after ENOSYS the kernel keeps each listing until the directory changes, which a key does not do. */
static void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *dir = NULL;
	int err;

	if (!super_has_encrypt(fs_super(context(req)->fs))) {
		reply_err(req, -ENOSYS);
		return;
	}
	err = node_get(req, node, &dir);
	if (!err)
		fi->keep_cache = fi->cache_readdir = reply_may_keep_listing(dir);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	void *buf = session_scratch();
	ssize_t got = node_get(req, node, &inode);

	if (!(fi->flags & O_DIRECT))
		nodes_cache(context(req)->nodes, reply_node((uint32_t)node));
	if (size > SESSION_MAX_IO)
		size = SESSION_MAX_IO;
	if (!got)
		got = file_read(inode, (uint64_t)off, buf, size);
	if (got >= 0)
		atime_touch(inode);
	if (got < 0)
		reply_err(req, (int)got);
	else
		fuse_reply_buf(req, buf, (size_t)got);
}

/* A directory reply while it is filled. */
struct listing {
	fuse_req_t req;
	bool plus;
	uint8_t *buf;
	size_t size, used;
	double timeout; /* of names */
	const struct inode *dir; /* its lock is held */
};

/*
 * Whether the inode's own lock is needed: for its attributes, or to see whether it may be in the encrypted
 * directory whose lock is held. The kernel asks for it by LOOKUP.
 */
static bool needs_lookup(const struct listing *list, struct fs *fs, uint32_t ino)
{
	struct dinode d;

	if (!super_has_encrypt(fs_super(fs)) || dinode_load(fs, ino, &d))
		return false;
	return reply_stat_locks(&d) || (list->dir->d.flags & EXT4_ENCRYPT_FL &&
		(S_ISDIR(d.mode) || S_ISLNK(d.mode)));
}

/* readdirplus: attributes with the name; without them (node 0) where the inode is damaged. */
static void listing_attributes(
	const struct listing *list, const struct dir_entry *entry, struct reply_entry *ret)
{
	struct ops_context *ctx = context(list->req);
	bool dots = entry->name[0] == '.' &&
		(entry->len == 1 || (entry->len == 2 && entry->name[1] == '.'));

	/* the kernel takes no attributes from "." and "..", and counts no look-up */
	if (!dots && !needs_lookup(list, ctx->fs, entry->ino) &&
		ops_tell(ctx, entry->ino, ops_tid(list->req), list->timeout, ret) == 0)
		return;
	memset(ret, 0, sizeof(*ret));
	ret->param.attr.st_ino = entry->ino;
	ret->param.attr.st_mode = (mode_t)entry->dtype << 12;
}

static bool listing_add(void *arg, const struct dir_entry *entry)
{
	struct listing *list = arg;
	size_t room = list->size - list->used, need;
	struct reply_entry told = { .flags = 0 };
	char name[DIR_NAME_MAX + 1];
	char *at = (char *)list->buf + list->used;

	memcpy(name, entry->name, entry->len);
	name[entry->len] = '\0';
	if (list->plus) {
		/* nothing is looked up for an entry that will not fit */
		if (fuse_add_direntry_plus(list->req, NULL, 0, name, NULL, 0) > room)
			return false;
		listing_attributes(list, entry, &told);
		need = fuse_add_direntry_plus(
			list->req, at, room, name, &told.param, (off_t)entry->next);
		/* libfuse has written zero; the record begins with the entry */
		if (need <= room)
			memcpy(at + offsetof(struct abi_entry_out, attr.flags), &told.flags,
				sizeof(told.flags));
	} else {
		told.param.attr.st_ino = entry->ino;
		told.param.attr.st_mode = (mode_t)entry->dtype << 12;
		need = fuse_add_direntry(
			list->req, at, room, name, &told.param.attr, (off_t)entry->next);
	}
	if (need > room)
		return false;
	list->used += need;
	return true;
}

static void list_directory(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, bool plus)
{
	CLEANUP(inode_putp) struct inode *dir = NULL;
	struct listing list = { .req = req, .plus = plus, .buf = session_scratch() };
	int err = node_get(req, node, &dir);

	list.size = size < SESSION_MAX_IO ? size : SESSION_MAX_IO;
	list.dir = dir;
	if (!err)
		list.timeout = reply_name_timeout(dir);
	if (!err)
		err = dir_iterate(dir, (uint64_t)off, listing_add, &list);
	if (!err)
		atime_touch(dir);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_buf(req, (char *)list.buf, list.used);
}

static void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)fi;
	list_directory(req, node, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)fi;
	list_directory(req, node, size, off, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t node)
{
	struct statvfs st;
	int err;

	session_begin(req);
	err = fs_statfs(context(req)->fs, &st);
	(void)node;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_statfs(req, &st);
}

/* The protocol of both attribute requests: size 0 asks for the length. */
static void reply_xattr(fuse_req_t req, ssize_t got, const void *buf, size_t size)
{
	if (got < 0)
		reply_err(req, (int)got);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)got);
	else
		fuse_reply_buf(req, buf, (size_t)got);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	void *buf = session_scratch();
	ssize_t got = node_get(req, node, &inode);

	if (size > SESSION_MAX_IO)
		size = SESSION_MAX_IO;
	if (!got)
		got = xattr_get(inode, name, buf, size);
	reply_xattr(req, got, buf, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	bool trusted = context(req)->list_trusted && fuse_req_ctx(req)->uid == 0;
	void *buf = session_scratch();
	ssize_t got = node_get(req, node, &inode);

	if (size > SESSION_MAX_IO)
		size = SESSION_MAX_IO;
	if (!got)
		got = xattr_list(inode, trusted, buf, size);
	reply_xattr(req, got, buf, size);
}

static void op_ioctl(fuse_req_t req, fuse_ino_t node, unsigned cmd, void *arg,
	struct fuse_file_info *fi, unsigned flags, const void *in_buf, size_t in_size,
	size_t out_size)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	const struct ioctl_call call = { .cmd = cmd, .in = in_buf, .in_len = in_size,
		.caller = ops_caller(req), .writable = context(req)->nodes };
	union ioctl_result result;
	size_t len = 0;
	int err = node_get(req, node, &inode);

	(void)arg;
	(void)fi;
	(void)flags;
	if (!err)
		err = ioctl_run(inode, &call, &result, &len);
	if (!err && len > out_size)
		err = -EINVAL;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_ioctl(req, 0, &result, len);
}

#define OPS_READING                                                                                \
	.init = op_init, .lookup = op_lookup, .getattr = op_getattr, .readlink = op_readlink,      \
	.open = op_open, .opendir = op_opendir, .read = op_read, .readdir = op_readdir,            \
	.readdirplus = op_readdirplus, .statfs = op_statfs, .getxattr = op_getxattr,               \
	.listxattr = op_listxattr, .lseek = seek_request, .ioctl = op_ioctl

const struct fuse_lowlevel_ops *ops_table(bool writable)
{
	static const struct fuse_lowlevel_ops reading = {
		OPS_READING,
		.forget = op_ignore_forget,
		.forget_multi = op_ignore_forgets,
	};
	/* no CREATE, FLUSH or RELEASE: the kernel then opens what it made by itself */
	static const struct fuse_lowlevel_ops writing = {
		OPS_READING,
		.forget = op_forget,
		.forget_multi = op_forget_multi,
		.setattr = op_setattr,
		.mknod = op_mknod,
		.mkdir = op_mkdir,
		.symlink = op_symlink,
		.link = op_link,
		.unlink = op_unlink,
		.rmdir = op_rmdir,
		.rename = op_rename,
		.write = op_write,
		.fsync = op_fsync,
		.fsyncdir = op_fsync,
		.setxattr = op_setxattr,
		.removexattr = op_removexattr,
		.fallocate = op_fallocate,
		.copy_file_range = op_copy_file_range,
	};

	return writable ? &writing : &reading;
}

bool ops_intercept(void *userdata, const struct abi_in_header *head, size_t len)
{
	struct ops_context *ctx = userdata;

	if (iomap_intercept(ctx->iomap, head, len))
		return true;
	if (head->opcode == ABI_OP_STATX)
		statx_request(ctx, head, len);
	else if (head->opcode == ABI_OP_WRITE && ctx->nodes)
		return op_write_intercept(ctx, head, len);
	else if (head->opcode == ABI_OP_TMPFILE && ctx->nodes)
		op_tmpfile(ctx, head, len);
	else if (head->opcode == ABI_OP_SYNCFS && ctx->nodes)
		op_syncfs(ctx, head);
	else
		return false;
	return true;
}
