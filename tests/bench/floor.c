// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * floor [-u] MOUNTPOINT DIRS FILES SIZE [full|empty]: a FUSE server that does nothing, in the
 * foreground. -u: requests come by io_uring, or it does not mount; else by the device.
 *
 * It answers from arithmetic on node ids and from one buffer: no image, no decoding, no locks.
 * Transport, mount options and what is asked of the kernel are the real server's, so that what that
 * one lacks to this one's speed is the cost of ext4 alone.
 *
 * With the last argument it can be written to: a counter for each node of the tree is odd while the
 * node is there, at the beginning all or none of them; what is written is thrown away.
 *
 * Nodes: the root is 1, then the directories, then the files directory by directory.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuse/session.h"
#include "shape.h"

#define FOREVER 1e9 /* seconds; as REPLY_FOREVER */
#define BLOCK 4096

struct tree {
	struct shape shape;
	void *data; /* SESSION_MAX_IO bytes: the contents of everything */
	_Atomic uint16_t *there; /* by node id, see above; NULL: all are, and nothing is written */
};

static size_t nr_nodes(const struct shape *shape)
{
	return FUSE_ROOT_ID + 1 + shape->dirs + (size_t)shape->dirs * shape->files;
}

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

/* A node that is made again has another generation: the kernel may still have its predecessor. */
static void fill_entry(const struct tree *tree, fuse_ino_t node, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){
		.ino = node,
		.generation = tree->there ? atomic_load(&tree->there[node]) : 1,
		.attr_timeout = FOREVER,
		.entry_timeout = FOREVER,
	};
	fill_stat(&tree->shape, node, &ret->attr);
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
	const struct tree *tree = userdata;

	conn->max_write = SESSION_MAX_IO;
	conn->max_background = 64;
	conn->time_gran = 1;
	want(conn, FUSE_CAP_READDIRPLUS, true);
	want(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
	want(conn, FUSE_CAP_CACHE_SYMLINKS, true);
	want(conn, FUSE_CAP_EXPORT_SUPPORT, true);
	want(conn, FUSE_CAP_POSIX_ACL, true);
	want(conn, FUSE_CAP_DONT_MASK, true);
	want(conn, FUSE_CAP_IOCTL_DIR, true);
	want(conn, FUSE_CAP_WRITEBACK_CACHE, tree->there);
	want(conn, FUSE_CAP_HANDLE_KILLPRIV, false);
	want(conn, FUSE_CAP_ATOMIC_O_TRUNC, false);
	want(conn, FUSE_CAP_AUTO_INVAL_DATA, false);
	want(conn, FUSE_CAP_SPLICE_READ, false);
	want(conn, FUSE_CAP_SPLICE_WRITE, false);
	want(conn, FUSE_CAP_SPLICE_MOVE, false);
}

/* The node that the tree has for a name; 0 if none. */
static fuse_ino_t node_named(const struct shape *shape, fuse_ino_t parent, const char *name)
{
	unsigned index;

	if (parent == FUSE_ROOT_ID)
		return shape_parse(name, SHAPE_DIR, shape->dirs, &index) ? dir_node(index) : 0;
	if (!shape_parse(name, SHAPE_FILE, shape->files, &index))
		return 0;
	return file_node(shape, (unsigned)(parent - dir_node(0)), index);
}

static bool is_there(const struct tree *tree, fuse_ino_t node)
{
	return !tree->there || atomic_load(&tree->there[node]) & 1;
}

static void floor_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct tree *tree = tree_of(req);
	fuse_ino_t node = node_named(&tree->shape, parent, name);
	struct fuse_entry_param entry = { .entry_timeout = FOREVER };

	if (node && is_there(tree, node))
		fill_entry(tree, node, &entry);
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

/* ---- changes ---- */

static void floor_make(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct tree *tree = tree_of(req);
	fuse_ino_t node = node_named(&tree->shape, parent, name);
	struct fuse_entry_param entry;

	if (!node) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	atomic_fetch_add(&tree->there[node], 1);
	fill_entry(tree, node, &entry);
	if (!is_dir(&tree->shape, node))
		entry.attr.st_size = entry.attr.st_blocks = 0;
	fuse_reply_entry(req, &entry);
}

static void floor_mknod(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)mode;
	(void)rdev;
	floor_make(req, parent, name);
}

static void floor_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
	floor_make(req, parent, name);
}

static void floor_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct tree *tree = tree_of(req);
	fuse_ino_t node = node_named(&tree->shape, parent, name);

	if (node)
		atomic_fetch_add(&tree->there[node], 1);
	fuse_reply_err(req, node ? 0 : ENOENT);
}

static void floor_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
	struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	fill_stat(&tree_of(req)->shape, node, &st);
	if (to_set & FUSE_SET_ATTR_SIZE)
		st.st_size = attr->st_size;
	if (to_set & FUSE_SET_ATTR_MODE)
		st.st_mode = (st.st_mode & S_IFMT) | (attr->st_mode & ~(mode_t)S_IFMT);
	fuse_reply_attr(req, &st, FOREVER);
}

static void floor_write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)node;
	(void)buf;
	(void)off;
	(void)fi;
	fuse_reply_write(req, size);
}

static void floor_fsync(fuse_req_t req, fuse_ino_t node, int data_only, struct fuse_file_info *fi)
{
	(void)node;
	(void)data_only;
	(void)fi;
	fuse_reply_err(req, 0);
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
static void fill_listing(const struct tree *tree, fuse_ino_t node, uint64_t at,
	char name[SHAPE_NAME], struct fuse_entry_param *ret)
{
	const struct shape *shape = &tree->shape;
	bool root = node == FUSE_ROOT_ID;
	unsigned index = at < 2 ? 0 : (unsigned)at - 2;

	if (at < 2) {
		strcpy(name, at ? ".." : ".");
		*ret = (struct fuse_entry_param){ .attr = { .st_ino = node, .st_mode = S_IFDIR } };
		return;
	}
	shape_name(root ? SHAPE_DIR : SHAPE_FILE, index, name);
	fill_entry(tree,
		root ? dir_node(index)
		     : file_node(shape, (unsigned)(node - dir_node(0)), index),
		ret);
}

static void floor_readdirplus(
	fuse_req_t req, fuse_ino_t node, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct tree *tree = tree_of(req);
	const struct shape *shape = &tree->shape;
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

		fill_listing(tree, node, at, name, &entry);
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

#define FLOOR_READING                                                                              \
	.init = floor_init, .lookup = floor_lookup, .forget = floor_forget,                        \
	.forget_multi = floor_forget_multi, .getattr = floor_getattr, .open = floor_enosys,        \
	.opendir = floor_enosys, .flush = floor_enosys, .read = floor_read,                        \
	.readdirplus = floor_readdirplus, .getxattr = floor_getxattr

static const struct fuse_lowlevel_ops floor_reading = { FLOOR_READING };

static const struct fuse_lowlevel_ops floor_writing = {
	FLOOR_READING,
	.mknod = floor_mknod,
	.mkdir = floor_mkdir,
	.unlink = floor_remove,
	.rmdir = floor_remove,
	.setattr = floor_setattr,
	.write = floor_write,
	.fsync = floor_fsync,
	.fsyncdir = floor_fsync,
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

static int serve(const struct session_config *config, bool writable, const char *mountpoint)
{
	char *argv[] = { (char *)"floor", (char *)"-o", NULL, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct session *session = NULL;
	int err;

	argv[2] = (char *)(writable
			? "rw,fsname=floor,subtype=floor,allow_other,default_permissions,suid,dev"
			: "ro,fsname=floor,subtype=floor,allow_other,default_permissions,suid,dev");
	err = session_new(config, &args, &session);
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
		.ops = &floor_reading,
		.userdata = &tree,
		.intercept = floor_intercept,
		.uring = SESSION_URING_OFF,
		.log = &log,
	};
	int err;

	if (argc > 1 && strcmp(argv[1], "-u") == 0) {
		config.uring = SESSION_URING_ON;
		argc--;
		argv++;
	}
	if (argc < 5 || argc > 6 || parse_shape(argv + 2, &tree.shape)) {
		fputs("usage: floor [-u] MOUNTPOINT DIRS FILES SIZE [full|empty]\n", stderr);
		return 2;
	}
	log_init(&log, "floor", LOG_LEVEL_INFO);
	tree.data = malloc(SESSION_MAX_IO);
	if (!tree.data)
		return 1;
	memset(tree.data, 'f', SESSION_MAX_IO);
	if (argc == 6) {
		tree.there = calloc(nr_nodes(&tree.shape), sizeof(*tree.there));
		if (!tree.there)
			return 1;
		for (size_t i = 0; strcmp(argv[5], "full") == 0 && i < nr_nodes(&tree.shape); i++)
			atomic_store(&tree.there[i], 1);
		config.ops = &floor_writing;
		config.init_flags = ABI_INIT_HANDLE_KILLPRIV_V2;
	}
	block_signals();
	err = serve(&config, tree.there, argv[1]);
	free((void *)tree.there);
	free(tree.data);
	return err ? 1 : 0;
}
