// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel has checked permissions (default_permissions) and holds the locks of the VFS; what it
 * does not know, such as immutable files, the core refuses.
 */
#include "config.h"

#include "fuse/ops_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/xattredit.h"
#include "fuse/caller.h"
#include "fuse/iomap.h"
#include "fuse/nodes.h"

static struct ops_context *context(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static int node_get(fuse_req_t req, fuse_ino_t node, struct inode **ret)
{
	uint32_t ino;
	int err = reply_ino(node, &ino);

	session_begin(req);
	if (!err)
		err = inode_get(context(req)->fs, ino, ret);
	if (!err)
		(void)iomap_note(context(req)->iomap, *ret);
	return err;
}

/* Who asks. With fakeroot or uid= all that is made belongs to root, or to who is shown, on disk. */
static struct cred cred_of(fuse_req_t req)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	const struct ops_context *ctx = context(req);

	return (struct cred){
		.uid = ctx->owner.set_uid ? 0 : caller->uid,
		.gid = ctx->owner.set_gid ? 0 : caller->gid,
		.umask = (uint16_t)caller->umask,
	};
}

/* ---- nodes ---- */

/*
 * Frees the inode if it has no name and the kernel does not know it: whichever of the two came last. In
 * this order: a name is looked up under the directory's lock, so what has none any more is not about to
 * become known.
 */
static void free_if_last(struct ops_context *ctx, uint32_t ino)
{
	if (orphan_is_known(ctx->fs, ino) && !nodes_known(ctx->nodes, ino) &&
		orphan_free(ctx->fs, ino))
		return; /* reported; it stays an orphan, for the next mount or e2fsck */
}

void ops_forget(struct ops_context *ctx, uint32_t ino, uint64_t nr)
{
	if (nodes_forget(ctx->nodes, ino, nr)) {
		iomap_forget(ctx->iomap, ino);
		free_if_last(ctx, ino);
	}
}

static void forget(struct ops_context *ctx, fuse_ino_t node, uint64_t nlookup)
{
	uint32_t ino;

	if (!reply_ino(node, &ino))
		ops_forget(ctx, ino, nlookup);
}

void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t nlookup)
{
	forget(context(req), node, nlookup);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(context(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* An inode, if ino is not 0, lost a name. The kernel nearly always knows it and will forget it. */
static void after_unlink(struct ops_context *ctx, uint32_t ino)
{
	if (ino)
		free_if_last(ctx, ino);
}

/*
 * The caller has changed the inode in a way for which the kernel drops the attributes that it has, but not
 * those it may be about to get: see nodes.h. Before the reply, after which they have to be right.
 */
static void changed(fuse_req_t req, const struct inode *inode)
{
	if (nodes_change(context(req)->nodes, inode->ino, ops_tid(req)))
		session_invalidate(reply_node(inode->ino));
}

/* Replies with the entry of an inode that was made or linked in dir. */
static void reply_made(fuse_req_t req, int err, struct inode *dir, struct inode *inode)
{
	struct ops_context *ctx = context(req);
	struct reply_entry entry;

	if (!err) {
		changed(req, dir);
		err = ops_tell(ctx, inode->ino, ops_tid(req), reply_name_timeout(dir), &entry);
	}
	if (err)
		reply_err(req, err);
	else if (reply_entry(req, &entry))
		ops_forget(ctx, inode->ino, 1);
}

/* ---- names ---- */

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	CLEANUP(inode_putp) struct inode *dir = NULL, *inode = NULL;
	struct cred cred = cred_of(req);
	int err = node_get(req, parent, &dir);

	if (!err)
		err = namei_make(dir, name, strlen(name), (uint16_t)mode, rdev, &cred, &inode);
	reply_made(req, err, dir, inode);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make(req, parent, name, mode, rdev);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, S_IFDIR | (mode & ~(mode_t)S_IFMT), 0);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	CLEANUP(inode_putp) struct inode *dir = NULL, *inode = NULL;
	struct cred cred = cred_of(req);
	int err = node_get(req, parent, &dir);

	if (!err)
		err = namei_symlink(
			dir, name, strlen(name), target, strlen(target), &cred, &inode);
	reply_made(req, err, dir, inode);
}

void op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
	CLEANUP(inode_putp) struct inode *dir = NULL, *inode = NULL;
	int err = node_get(req, node, &inode);

	if (!err)
		err = node_get(req, parent, &dir);
	if (!err)
		err = namei_link(inode, dir, name, strlen(name));
	reply_made(req, err, dir, inode);
}

static void take_away(fuse_req_t req, fuse_ino_t parent, const char *name,
	int (*remove)(struct inode *, const char *, size_t, uint32_t *))
{
	CLEANUP(inode_putp) struct inode *dir = NULL;
	uint32_t ino = 0;
	int err = node_get(req, parent, &dir);

	if (!err)
		err = remove(dir, name, strlen(name), &ino);
	if (!err) {
		changed(req, dir);
		after_unlink(context(req), ino);
	}
	reply_err(req, err);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	take_away(req, parent, name, namei_unlink);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	take_away(req, parent, name, namei_rmdir);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	CLEANUP(inode_putp) struct inode *from = NULL, *to = NULL;
	struct cred cred = cred_of(req);
	uint32_t ino = 0;
	int err = node_get(req, parent, &from);

	if (!err)
		err = node_get(req, new_parent, &to);
	if (!err)
		err = namei_rename(from, name, strlen(name), to, new_name, strlen(new_name), flags,
			&cred, &ino);
	if (!err) {
		changed(req, from);
		if (to != from)
			changed(req, to);
		after_unlink(context(req), ino);
	}
	reply_err(req, err);
}

void op_tmpfile(struct ops_context *ctx, const struct abi_in_header *head, size_t len)
{
	CLEANUP(inode_putp) struct inode *dir = NULL, *inode = NULL;
	const struct abi_create_in *in = (const void *)(head + 1);
	struct abi_created_out out = { 0 };
	struct cred cred = { .uid = ctx->owner.set_uid ? 0 : head->uid,
		.gid = ctx->owner.set_gid ? 0 : head->gid };
	uint32_t ino;
	int err = len < sizeof(*head) + sizeof(*in) ? -EINVAL : reply_ino(head->nodeid, &ino);

	if (!err)
		err = inode_get(ctx->fs, ino, &dir);
	if (!err) {
		cred.umask = (uint16_t)in->umask;
		err = namei_tmpfile(dir, (uint16_t)in->mode, &cred, &inode);
	}
	if (!err)
		err = reply_raw_entry(ctx->fs, &ctx->owner, inode, &out.entry);
	if (!err)
		err = nodes_add(ctx->nodes, inode->ino, head->pid);
	if (!err)
		out.entry.attr.flags = iomap_attr_flags(ctx->iomap, inode->ino, &inode->d);
	session_reply(head->unique, err, &out, sizeof(out));
}

/* ---- attributes ---- */

static struct timespec pick_time(const struct timespec *given, bool now)
{
	return now ? inode_now() : *given;
}

/*
 * Whether both times are the present one because the caller gave none, the kernel's ATTR_TOUCH. The client, who
 * keeps mtime of files himself, sends it without saying that it is now; then it is that of ctime.
 */
static bool is_touch(const struct stat *st, int to_set)
{
	const int times = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME;

	if (!(to_set & FUSE_SET_ATTR_ATIME_NOW))
		return false;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		return true;
	return (to_set & times) == times && st->st_mtim.tv_sec == st->st_ctim.tv_sec &&
		st->st_mtim.tv_nsec == st->st_ctim.tv_nsec;
}

static void fill_change(const struct stat *st, int to_set, struct attr_change *ret)
{
	static const struct {
		int flag;
		unsigned what;
	} table[] = {
		{ FUSE_SET_ATTR_MODE, ATTR_MODE },
		{ FUSE_SET_ATTR_UID, ATTR_UID },
		{ FUSE_SET_ATTR_GID, ATTR_GID },
		{ FUSE_SET_ATTR_SIZE, ATTR_SIZE },
		{ FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW, ATTR_ATIME },
		{ FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW, ATTR_MTIME },
		{ FUSE_SET_ATTR_CTIME, ATTR_CTIME },
		{ FUSE_SET_ATTR_KILL_SUID, ATTR_KILL_SUIDGID }, /* FATTR_KILL_SUIDGID of the wire */
	};

	*ret = (struct attr_change){
		.mode = (uint16_t)(st->st_mode & 07777),
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = (uint64_t)st->st_size,
		.atime = pick_time(&st->st_atim, to_set & FUSE_SET_ATTR_ATIME_NOW),
		.mtime = pick_time(&st->st_mtim, to_set & FUSE_SET_ATTR_MTIME_NOW),
		.ctime = st->st_ctim,
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (to_set & table[i].flag)
			ret->what |= table[i].what;
	if (is_touch(st, to_set))
		ret->what |= ATTR_TOUCH;
}

/* Whether the caller may leave S_ISGID to a file, the kernel's in_group_or_capable(). */
static bool may_sgid(const struct ops_context *ctx, const struct dinode *d,
	const struct caller *caller)
{
	return caller_in_group(caller, ctx->owner.set_gid ? ctx->owner.gid : d->gid) ||
		caller_capable(caller, CAP_FSETID);
}

/*
 * What a change by somebody without CAP_FSETID takes away: S_ISGID as well where no group may
 * execute, unless the caller is in the file's (setattr_should_drop_sgid()), which the client leaves
 * to us.
 */
static unsigned kill_bits(const struct ops_context *ctx, const struct inode *inode,
	const struct caller *caller)
{
	struct dinode d;

	if (dinode_load(ctx->fs, inode->ino, &d) || (d.mode & (S_ISGID | S_IXGRP)) != S_ISGID ||
		may_sgid(ctx, &d, caller))
		return ATTR_KILL_SUIDGID;
	return ATTR_KILL_SUIDGID | ATTR_KILL_SGID;
}

/*
 * A request that sets nothing for a regular file announces a change of its contents (file_remove_privs()),
 * by somebody without CAP_FSETID, or because there is security.capability, which the client removes.
 * A write comes with a flag of its own; fallocate(2) and copy_file_range(2) do not.
 */
static unsigned announced(const struct ops_context *ctx, const struct inode *inode,
	const struct caller *caller)
{
	struct dinode d;

	if (dinode_load(ctx->fs, inode->ino, &d) || !(d.mode & (S_ISUID | S_ISGID)))
		return 0;
	return caller_capable(caller, CAP_FSETID) ? 0 : kill_bits(ctx, inode, caller);
}

/*
 * A request that sets nothing for a regular file announces a change of its contents; for others it is a
 * chown(2) to nobody, which for regular files comes with the times that the client keeps.
 */
static unsigned implied(const struct ops_context *ctx, const struct inode *inode, unsigned what,
	const struct caller *caller)
{
	if (S_ISREG(inode->d.mode) && !what)
		return announced(ctx, inode, caller);
	if (what == (S_ISREG(inode->d.mode) ? ATTR_CTIME : 0u))
		return kill_bits(ctx, inode, caller);
	return what & ATTR_KILL_SUIDGID ? kill_bits(ctx, inode, caller) : 0;
}

/*
 * chown(2) to nobody that takes bits away is a chmod(2) and only the owner's (setattr_prepare()); the client
 * has passed it, having taken ATTR_MODE out.
 */
static int check_nobody(const struct ops_context *ctx, const struct inode *inode, unsigned what,
	const struct caller *caller)
{
	struct dinode d;
	uint32_t uid;

	if (what != (S_ISREG(inode->d.mode) ? ATTR_CTIME : 0u) || S_ISDIR(inode->d.mode) ||
		dinode_load(ctx->fs, inode->ino, &d) || !(d.mode & (S_ISUID | S_ISGID)))
		return 0;
	/* S_ISGID alone may stay */
	if ((d.mode & (S_ISUID | S_IXGRP)) == 0 &&
		!(kill_bits(ctx, inode, caller) & ATTR_KILL_SGID))
		return 0;
	uid = ctx->owner.set_uid ? ctx->owner.uid : d.uid;
	return caller->uid == uid || caller_capable(caller, CAP_FOWNER) ? 0 : -EPERM;
}

/*
 * The answer to an announcement must not be kept: a write that follows clears setuid bits, and the kernel
 * would show the old mode for ever.
 */
void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *st, int to_set,
	struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct ops_context *ctx = context(req);
	struct caller caller = ops_caller(req);
	struct attr_change change;
	bool announces;
	double timeout;
	struct dinode d;
	struct stat now;
	int err = node_get(req, node, &inode);

	(void)fi;
	fill_change(st, to_set, &change);
	announces = !err && !change.what && S_ISREG(inode->d.mode);
	if (!err)
		err = check_nobody(ctx, inode, change.what, &caller);
	if (!err)
		change.what |= implied(ctx, inode, change.what, &caller);
	if (!err && (change.what || !announces))
		err = attr_set(inode, &change, &d);
	else if (!err)
		err = dinode_load(ctx->fs, inode->ino, &d);
	/*
	 * of a file that it moves the kernel (v7) keeps the ACL it has, whose mask was the old mode's, and
	 * permits by it; this is what has it forget that
	 */
	if (!err && change.what & ATTR_MODE && inode->outside)
		session_invalidate(node);
	if (!err)
		err = reply_stat(ctx->fs, &ctx->owner, inode->ino, &d, &now, &timeout);
	if (err)
		reply_err(req, err);
	else
		reply_attr(req, &now, iomap_attr_flags(ctx->iomap, inode->ino, &d),
			announces ? 0 : timeout);
}

/*
 * An access ACL is a chmod(2). The client would tell whether S_ISGID may stay, with a flag that has to be
 * asked for (FUSE_SETXATTR_EXT), and that moves the rest of the request.
 */
static bool keeps_sgid(fuse_req_t req, const struct inode *inode, const char *name)
{
	struct caller caller = ops_caller(req);
	struct dinode d;

	if (strcmp(name, "system.posix_acl_access") != 0 ||
		dinode_load(inode->fs, inode->ino, &d) || !(d.mode & S_ISGID))
		return true;
	return may_sgid(context(req), &d, &caller);
}

void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size,
	int flags)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	int err = node_get(req, node, &inode);

	if (!err)
		err = xattr_set(inode, name, value ? value : "", size, flags,
			keeps_sgid(req, inode, name));
	if (!err)
		changed(req, inode);
	reply_err(req, err);
}

void op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	int err = node_get(req, node, &inode);

	if (!err)
		err = xattr_set(inode, name, NULL, 0, 0, true);
	if (!err)
		changed(req, inode);
	reply_err(req, err);
}

/* ---- contents ---- */

/*
 * A change of contents takes away what lets a file run as somebody else: its capabilities, whoever makes it.
 * Not when the page cache is written: the client has removed them when the page was changed, and what is there
 * now was set afterwards.
 */
static int kill_capability(struct inode *inode)
{
	static const char name[] = "security.capability";
	int err;

	if (!xattr_maybe(inode))
		return 0;
	err = (int)xattr_get(inode, name, NULL, 0);
	if (err >= 0)
		err = xattr_set(inode, name, NULL, 0, 0, true);
	return err == -ENODATA || err == -EOPNOTSUPP ? 0 : err;
}

/* Root may use the blocks that are reserved. Nobody knows whose the page cache's writes are. */
static bool may_reserved(fuse_req_t req)
{
	return fuse_req_ctx(req)->uid == 0;
}

/*
 * The page cache takes a short count for success and forgets the pages: it gets all of them written, or
 * the error. As file_write().
 */
static ssize_t write_rest(struct inode *inode, uint64_t off, const char *buf, size_t size, size_t done)
{
	while (done < size) {
		ssize_t put = file_write(inode, off + done, buf + done, size - done, false, true);

		if (put <= 0)
			return put ? put : -EIO;
		done += (size_t)put;
	}
	return (ssize_t)done;
}

struct overwritten {
	struct session_job job; /* first, for the cast */
	fuse_req_t req; /* NULL: replied to */
	fuse_ino_t node;
	off_t off;
	size_t len;
};

static void drop_overwritten(struct session_job *job)
{
	struct overwritten *over = (struct overwritten *)job;

	session_write_back(over->node, over->off, (off_t)over->len);
	if (over->req)
		fuse_reply_write(over->req, over->len);
	free(over);
}

/*
 * Replies to a direct write. What others have read for the page cache meanwhile may be from before it: of
 * asynchronous IO the client drops that only in advance (fuse_aio_complete(), other than
 * generic_file_direct_write()), and nothing tells that IO from other. Where no worker can wait for it,
 * it is dropped soon after the reply.
 */
static void after_direct(fuse_req_t req, fuse_ino_t node, off_t off, size_t len)
{
	struct overwritten *over = malloc(sizeof(*over));
	bool left = !over;

	/* once another worker has it, it may be gone */
	while (!left) {
		*over = (struct overwritten){ .job.run = drop_overwritten, .req = req, .node = node,
			.off = off, .len = len };
		if (!session_defer(&over->job))
			return;
		over->req = NULL;
		left = session_leave(&over->job);
	}
	fuse_reply_write(req, len);
}

static bool is_cached(fuse_req_t req, const struct inode *inode, const struct fuse_file_info *fi)
{
	return !fi->writepage && fi->flags & O_DIRECT && nodes_cached(context(req)->nodes, inode->ino);
}

void op_write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	/* where the client does not keep times, see op_init(), nothing else tells of a store by a mapping */
	bool times = !fi->writepage || iomap_is_on(context(req)->iomap);
	ssize_t put = node_get(req, node, &inode);

	if (!put && !fi->writepage)
		put = kill_capability(inode);
	if (!put)
		put = file_write(inode, (uint64_t)off, buf, size, times,
			fi->writepage || may_reserved(req));
	if (put > 0 && (size_t)put < size && fi->writepage)
		put = write_rest(inode, (uint64_t)off, buf, size, (size_t)put);
	if (put < 0)
		reply_err(req, (int)put);
	else if (put > 0 && is_cached(req, inode, fi))
		after_direct(req, node, off, (size_t)put);
	else
		fuse_reply_write(req, (size_t)put);
}

bool op_write_intercept(struct ops_context *ctx, const struct abi_in_header *head, size_t len)
{
	const struct abi_write_in *in = (const void *)(head + 1);
	const struct caller caller = {
		.uid = head->uid, .gid = head->gid, .tid = head->pid, .hidden = ctx->no_rights };
	struct attr_change change = { 0 };
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct dinode d;
	uint32_t ino;
	int err;

	if (len < sizeof(*head) + sizeof(*in) || !(in->write_flags & ABI_WRITE_KILL_SUIDGID))
		return false;
	err = reply_ino(head->nodeid, &ino);
	if (!err)
		err = inode_get(ctx->fs, ino, &inode);
	if (!err) {
		change.what = kill_bits(ctx, inode, &caller);
		err = attr_set(inode, &change, &d);
	}
	if (err)
		session_reply(head->unique, err, NULL, 0);
	return err;
}

void op_fsync(fuse_req_t req, fuse_ino_t node, int data_only, struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	int err = node_get(req, node, &inode);

	(void)fi;
	if (!err)
		err = file_sync(inode, data_only);
	reply_err(req, err);
}

void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t off, off_t len,
	struct fuse_file_info *fi)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	int err = node_get(req, node, &inode);

	(void)fi;
	if (!err && (off < 0 || len <= 0))
		err = -EINVAL;
	if (!err)
		err = kill_capability(inode);
	if (!err)
		err = file_fallocate(inode, mode, (uint64_t)off, (uint64_t)len, may_reserved(req));
	reply_err(req, err);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_off, struct fuse_file_info *from_fi,
	fuse_ino_t to, off_t to_off, struct fuse_file_info *to_fi, size_t len, int flags)
{
	CLEANUP(inode_putp) struct inode *source = NULL, *target = NULL;
	ssize_t copied = node_get(req, from, &source);

	(void)from_fi;
	(void)to_fi;
	if (!copied)
		copied = node_get(req, to, &target);
	if (!copied && flags)
		copied = -EINVAL;
	/* what the kernel has of them it has written, but not what it holds of the device; it copies by itself */
	if (!copied && (source->outside || target->outside))
		copied = -EOPNOTSUPP;
	if (!copied)
		copied = kill_capability(target);
	if (!copied)
		copied = file_copy(source, (uint64_t)from_off, target, (uint64_t)to_off, len,
			may_reserved(req));
	if (copied < 0)
		reply_err(req, (int)copied);
	else
		fuse_reply_write(req, (size_t)copied);
}

void op_syncfs(struct ops_context *ctx, const struct abi_in_header *head)
{
	session_reply(head->unique, fs_sync(ctx->fs), NULL, 0);
}
