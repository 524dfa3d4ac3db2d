// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * floor MOUNTPOINT DIRS FILES SIZE: a FUSE server that does nothing, in the foreground. It answers
 * from arithmetic on node ids and from one buffer: no image, no decoding, no locks. Transport,
 * mount options and what is asked of the kernel are the real server's, so that what that one lacks
 * to this one's speed is the cost of ext4 alone.
 *
 * Nodes: the root is 1, then the directories, then the files directory by directory.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuse/session.h"
#include "shape.h"

#define FOREVER 1e9 /* seconds; as REPLY_FOREVER */
#define BLOCK 4096

struct tree {
	struct shape shape;
	void *data; /* SESSION_MAX_IO bytes: the contents of everything */
};

static const struct tree *tree_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static fuse_ino_t dir_node(unsigned dir)
{
	return FUSE_ROOT_ID + 1 + dir;
}

static fuse_ino_t file_node(const struct shape *shape, unsigned dir, unsigned file)
{
	return FUSE_ROOT_ID + 1 + shape->dirs + (fuse_ino_t)dir * shape->files + file;
}

static bool is_dir(const struct shape *shape, fuse_ino_t node)
{
	return node <= FUSE_ROOT_ID + shape->dirs;
}

static void fill_stat(const struct shape *shape, fuse_ino_t node, struct stat *ret)
{
	bool dir = is_dir(shape, node);

	*ret = (struct stat){
		.st_ino = node,
		.st_mode = dir ? S_IFDIR | 0755 : S_IFREG | 0644,
		.st_nlink = dir ? 2 : 1,
		.st_size = dir ? BLOCK : (off_t)shape->size,
		.st_blksize = BLOCK,
		.st_blocks = (blkcnt_t)(dir ? BLOCK : shape->size) / 512,
	};
}

static void fill_entry(const struct shape *shape, fuse_ino_t node, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){
		.ino = node,
		.generation = 1,
		.attr_timeout = FOREVER,
		.entry_timeout = FOREVER,
	};
	fill_stat(shape, node, &ret->attr);
}

static void want(struct fuse_conn_info *conn, unsigned cap, bool on)
{
	if (on && conn->capable & cap)
		conn->want |= cap;
	else
		conn->want &= ~cap;
}

/* The same as op_init() in src/fuse/ops.c. */
static void floor_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = SESSION_MAX_IO;
	conn->max_background = 64;
	conn->time_gran = 1;
	want(conn, FUSE_CAP_READDIRPLUS, true);
	want(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
	want(conn, FUSE_CAP_CACHE_SYMLINKS, true);
	want(conn, FUSE_CAP_EXPORT_SUPPORT, true);
	want(conn, FUSE_CAP_POSIX_ACL, true);
	want(conn, FUSE_CAP_ATOMIC_O_TRUNC, false);
	want(conn, FUSE_CAP_AUTO_INVAL_DATA, false);
	want(conn, FUSE_CAP_SPLICE_READ, false);
	want(conn, FUSE_CAP_SPLICE_WRITE, false);
	want(conn, FUSE_CAP_SPLICE_MOVE, false);
}

static void floor_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct shape *shape = &tree_of(req)->shape;
	struct fuse_entry_param entry = { .entry_timeout = FOREVER };
	unsigned index;

	if (parent == FUSE_ROOT_ID) {
		if (shape_parse(name, SHAPE_DIR, shape->dirs, &index))
			fill_entry(shape, dir_node(index), &entry);
	} else if (shape_parse(name, SHAPE_FILE, shape->files, &index)) {
		unsigned dir = (unsigned)(parent - dir_node(0));

		fill_entry(shape, file_node(shape, dir, index), &entry);
	}
	fuse_reply_entry(req, &entry);
}

static void floor_forget(fuse_req_t req, fuse_ino_t node, uint64_t nlookup)
{
	(void)node;
	(void)nlookup;
	fuse_reply_none(req);
}

static void floor_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

static void floor_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	fill_stat(&tree_of(req)->shape, node, &st);
	fuse_reply_attr(req, &st, FOREVER);
}

/* OPEN, OPENDIR and FLUSH: never ask again. */
static void floor_enosys(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	(void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void floor_read(
	fuse_req_t req, fuse_ino_t node, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct tree *tree = tree_of(req);
	uint64_t left = (uint64_t)off < tree->shape.size ? tree->shape.size - (uint64_t)off : 0;

	(void)node;
	(void)fi;
	if (size > SESSION_MAX_IO)
		size = SESSION_MAX_IO;
	fuse_reply_buf(req, tree->data, size < left ? size : (size_t)left);
}

/* Entry at of the directory node; entries 0 and 1 are "." and "..", which carry no node. */
static void fill_listing(const struct shape *shape, fuse_ino_t node, uint64_t at,
	char name[SHAPE_NAME], struct fuse_entry_param *ret)
{
	bool root = node == FUSE_ROOT_ID;
	unsigned index = at < 2 ? 0 : (unsigned)at - 2;

	if (at < 2) {
		strcpy(name, at ? ".." : ".");
		*ret = (struct fuse_entry_param){ .attr = { .st_ino = node, .st_mode = S_IFDIR } };
		return;
	}
	shape_name(root ? SHAPE_DIR : SHAPE_FILE, index, name);
	fill_entry(shape,
		root ? dir_node(index)
		     : file_node(shape, (unsigned)(node - dir_node(0)), index),
		ret);
}

static void floor_readdirplus(
	fuse_req_t req, fuse_ino_t node, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct shape *shape = &tree_of(req)->shape;
	uint64_t end = 2 + (uint64_t)(node == FUSE_ROOT_ID ? shape->dirs : shape->files);
	char *buf = session_scratch();
	size_t used = 0;

	(void)fi;
	if (size > SESSION_MAX_IO)
		size = SESSION_MAX_IO;
	for (uint64_t at = (uint64_t)off; at < end; at++) {
		struct fuse_entry_param entry;
		char name[SHAPE_NAME];
		size_t need;

		fill_listing(shape, node, at, name, &entry);
		need = fuse_add_direntry_plus(
			req, buf + used, size - used, name, &entry, (off_t)at + 1);
		if (need > size - used)
			break;
		used += need;
	}
	fuse_reply_buf(req, buf, used);
}

/* ENOSYS would spare the kernel requests that the real server cannot spare it. */
static void floor_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	(void)node;
	(void)name;
	(void)size;
	fuse_reply_err(req, ENODATA);
}

static const struct fuse_lowlevel_ops floor_ops = {
	.init = floor_init,
	.lookup = floor_lookup,
	.forget = floor_forget,
	.forget_multi = floor_forget_multi,
	.getattr = floor_getattr,
	.open = floor_enosys,
	.opendir = floor_enosys,
	.flush = floor_enosys,
	.read = floor_read,
	.readdirplus = floor_readdirplus,
	.getxattr = floor_getxattr,
};

static bool floor_intercept(void *userdata, const struct abi_in_header *head, size_t len)
{
	(void)userdata;
	(void)len;
	if (head->opcode != ABI_OP_STATX)
		return false;
	session_reply(head->unique, -ENOSYS, NULL, 0);
	return true;
}

static int serve(const struct session_config *config, const char *mountpoint)
{
	char *argv[] = { (char *)"floor", (char *)"-o",
		(char *)"ro,fsname=floor,subtype=floor,allow_other,default_permissions,suid,dev",
		NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct session *session = NULL;
	int err = session_new(config, &args, &session);

	if (!err)
		err = session_mount(session, mountpoint);
	if (!err)
		err = session_start(session);
	if (!err)
		session_wait(session);
	session_free(session);
	fuse_opt_free_args(&args);
	return err;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int parse_shape(char **args, struct shape *ret)
{
	*ret = (struct shape){
		.dirs = (unsigned)strtoul(args[0], NULL, 10),
		.files = (unsigned)strtoul(args[1], NULL, 10),
		.size = strtoull(args[2], NULL, 10),
	};
	return ret->dirs > SHAPE_MAX || ret->files > SHAPE_MAX ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct log log;
	struct tree tree = { 0 };
	struct session_config config = {
		.ops = &floor_ops,
		.userdata = &tree,
		.intercept = floor_intercept,
		.log = &log,
	};
	int err;

	if (argc != 5 || parse_shape(argv + 2, &tree.shape)) {
		fputs("usage: floor MOUNTPOINT DIRS FILES SIZE\n", stderr);
		return 2;
	}
	log_init(&log, "floor", LOG_LEVEL_INFO);
	tree.data = malloc(SESSION_MAX_IO);
	if (!tree.data)
		return 1;
	memset(tree.data, 'f', SESSION_MAX_IO);
	block_signals();
	err = serve(&config, argv[1]);
	free(tree.data);
	return err ? 1 : 0;
}
