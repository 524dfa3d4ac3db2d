// SPDX-License-Identifier: GPL-2.0-or-later
/* Choices, the log's line, and the names that exist. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ops.h"

#define HASH_WHOLE ((off_t)256 << 10) /* contents of smaller files are read whole */
#define LONGEST_DIR 3000u	      /* bytes of a path that things are still put into */

/* ---- choices ---- */

/* splitmix64 */
uint64_t ops_random(struct run *r)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned ops_pick(struct run *r, unsigned n)
{
	return (unsigned)(ops_random(r) % n);
}

bool ops_chance(struct run *r, unsigned percent)
{
	return ops_pick(r, 100) < percent;
}

uint64_t ops_hash(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		sum = (sum ^ p[i]) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	return sum;
}

void ops_fill(struct run *r, void *buf, size_t len, off_t off)
{
	uint8_t *p = buf;
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++, off++) {
		if (i == 0 || off % 8 == 0) {
			word = ((uint64_t)r->nr << 40) ^ (uint64_t)(off / 8);
			word = (word + 1) * UINT64_C(0x9e3779b97f4a7c15);
			word ^= word >> 31;
		}
		/* Never zero, so that what should be there is not taken for a hole. */
		p[i] = (uint8_t)(word >> (8 * (off % 8))) | 1;
	}
}

/* ---- the line ---- */

void ops_say(struct run *r, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(r->line + r->len, OPS_BUF - r->len, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= OPS_BUF - r->len)
		abort();
	r->len += (size_t)len;
}

void ops_say_path(struct run *r, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c > ' ' && c < 0x7f && c != '\\')
			ops_say(r, "%c", c);
		else
			ops_say(r, "\\x%02x", c);
	}
}

bool ops_say_result(struct run *r, ssize_t ret)
{
	const char *name;

	if (ret >= 0) {
		ops_say(r, " = %zd", ret);
		return true;
	}
	name = strerrorname_np(errno);
	ops_say(r, " = %s", name ? name : "E?");
	return false;
}

void ops_say_hash(struct run *r, const void *bytes, size_t len)
{
	ops_say(r, " %zu:%08x", len, (unsigned)ops_hash(len, bytes, len));
}

static void say_struct(struct run *r, const struct stat *st)
{
	ops_say(r, " [%06o n%ju %u:%u", st->st_mode, (uintmax_t)st->st_nlink, st->st_uid,
		st->st_gid);
	if (!S_ISDIR(st->st_mode) || r->dir_sizes)
		ops_say(r, " s%jd", (intmax_t)st->st_size);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		ops_say(r, " %u:%u", major(st->st_rdev), minor(st->st_rdev));
	ops_say(r, "]");
}

void ops_say_stat(struct run *r, const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		ops_say_result(r, -1);
	else
		say_struct(r, &st);
}

void ops_say_range(struct run *r, int fd, off_t off, size_t len)
{
	off_t from = off > 64 ? off - 64 : 0;
	size_t want = (size_t)(off - from) + len + 64;
	ssize_t got = pread(fd, r->buf2, want < OPS_BUF ? want : OPS_BUF, from);

	if (got < 0)
		ops_say_result(r, got);
	else
		ops_say_hash(r, r->buf2, (size_t)got);
}

void ops_say_fstat(struct run *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st)) {
		ops_say_result(r, -1);
		return;
	}
	say_struct(r, &st);
	if (S_ISREG(st.st_mode) && st.st_size <= HASH_WHOLE)
		ops_say_range(r, fd, 0, (size_t)st.st_size);
}

/* ---- names ---- */

struct file *ops_file_get(struct file *file)
{
	if (file)
		file->refs++;
	return file;
}

void ops_file_put(struct file *file)
{
	if (file && --file->refs == 0)
		free(file);
}

static struct file *new_file(void)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		abort();
	file->refs = 1;
	file->plain = true;
	return file;
}

struct node *ops_find(struct run *r, const char *path)
{
	for (size_t i = 0; i < r->nr_nodes; i++)
		if (!strcmp(r->nodes[i].path, path))
			return &r->nodes[i];
	return NULL;
}

struct file *ops_file_of(struct run *r, const char *path)
{
	struct node *node = ops_find(r, path);

	return node ? node->file : NULL;
}

void ops_parent(const char *path, char *parent)
{
	const char *slash = strrchr(path, '/');

	if (!slash) {
		strcpy(parent, ".");
		return;
	}
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
}

void ops_add(struct run *r, const char *path, enum node_type type, struct file *file)
{
	struct node *node;

	if (ops_find(r, path))
		return;
	if (r->nr_nodes == r->room) {
		r->room = r->room ? r->room * 2 : 64;
		r->nodes = realloc(r->nodes, r->room * sizeof(*r->nodes));
		if (!r->nodes)
			abort();
	}
	node = &r->nodes[r->nr_nodes++];
	node->path = strdup(path);
	node->type = type;
	node->file = type != N_FILE ? NULL : file ? ops_file_get(file) : new_file();
}

void ops_drop(struct run *r, const char *path)
{
	struct node *node = ops_find(r, path);

	if (!node)
		return;
	free(node->path);
	ops_file_put(node->file);
	*node = r->nodes[--r->nr_nodes];
}

/* What of path follows prefix as a whole part of it; NULL if it is not below it. */
static const char *below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(path, prefix, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

static char *joined(const char *a, const char *b)
{
	char *path;

	if (asprintf(&path, "%s%s", a, b) < 0)
		abort();
	return path;
}

void ops_moved(struct run *r, const char *from, const char *to)
{
	ops_drop(r, to);
	for (size_t i = 0; i < r->nr_nodes; i++) {
		const char *rest = below(r->nodes[i].path, from);
		char *path;

		if (!rest)
			continue;
		path = joined(to, rest);
		free(r->nodes[i].path);
		r->nodes[i].path = path;
	}
}

void ops_exchanged(struct run *r, const char *a, const char *b)
{
	for (size_t i = 0; i < r->nr_nodes; i++) {
		const char *old = r->nodes[i].path, *rest = below(old, a);
		char *path;

		if (rest)
			path = joined(b, rest);
		else if ((rest = below(old, b)))
			path = joined(a, rest);
		else
			continue;
		free(r->nodes[i].path);
		r->nodes[i].path = path;
	}
}

struct node *ops_node(struct run *r, unsigned types)
{
	size_t nr = 0, at;

	for (size_t i = 0; i < r->nr_nodes; i++)
		nr += (r->nodes[i].type & types) != 0;
	if (!nr)
		return NULL;
	at = ops_pick(r, (unsigned)nr);
	for (size_t i = 0; i < r->nr_nodes; i++)
		if ((r->nodes[i].type & types) && at-- == 0)
			return &r->nodes[i];
	return NULL;
}

static size_t name_length(struct run *r)
{
	switch (ops_pick(r, 8)) {
	case 0:
		return 255;
	case 1:
		return 256;
	case 2:
		return 250 + ops_pick(r, 6);
	default:
		return 1 + ops_pick(r, 100);
	}
}

void ops_name(struct run *r, char *name)
{
	size_t len, i;

	if (ops_chance(r, 70)) {
		sprintf(name, "n%u", ops_pick(r, 60));
		return;
	}
	len = name_length(r);
	for (i = 0; i < len; i++)
		name[i] = (char)('a' + ops_pick(r, 26));
	if (ops_chance(r, 20)) {
		/* Any byte is part of a name but these two. */
		for (i = 0; i < len; i++) {
			name[i] = (char)ops_pick(r, 256);
			if (!name[i] || name[i] == '/')
				name[i] = (char)0xff;
		}
	}
	name[len] = '\0';
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		name[0] = 'x';
}

void ops_new_path(struct run *r, char *path)
{
	char name[300];
	struct node *dir = ops_node(r, N_DIR);
	const char *in = dir ? dir->path : ".";

	if (ops_chance(r, 2)) {
		dir = ops_node(r, N_ANY); /* may be no directory at all */
		in = dir ? dir->path : ".";
	}
	if (strlen(in) > LONGEST_DIR)
		in = ".";
	ops_name(r, name);
	if (!strcmp(in, "."))
		strcpy(path, name);
	else
		sprintf(path, "%s/%s", in, name);
}

void ops_path(struct run *r, unsigned types, char *path)
{
	struct node *node = NULL;

	if (ops_chance(r, 92))
		node = ops_node(r, types);
	else if (ops_chance(r, 50))
		node = ops_node(r, N_ANY);
	if (node)
		strcpy(path, node->path);
	else
		ops_new_path(r, path);
}
