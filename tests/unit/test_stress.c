// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Four threads that do everything at once to one filesystem with hardly any cache, so that eviction,
 * commits and checkpoints come between. Each has files of its own whose contents it knows, and a
 * directory; everything else they do to each other's names. e2fsck judges what is left. A thread whose
 * operation does not end says which one it was.
 *
 * STRESS_OPS=n in the environment: so many operations per thread and kind of image; STRESS_SEED=n: others.
 */
#include "config.h"

#include "write_fixture.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <time.h>

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/xattredit.h"

#define THREADS 4u
#define OPS 1000u	  /* per thread */
#define STUCK 60	  /* seconds that an operation may take */
#define CACHE (256u << 10) /* bytes: fewer blocks than the threads use at once */
#define SHARED 3u	  /* directories that belong to nobody */
#define KEPT 40u	  /* names in each of them that stay */
#define NAMES 12u	  /* other names in a directory */
#define HELD 6u		  /* inodes that a thread goes on using, with names or without */
#define OWN 3u		  /* files of one thread */
#define OWN_SIZE (96u << 10)
#define INODES 4096u

static const char *const variants[] = {
	"-t ext4 -b 1024 -J size=1",
	"-t ext4 -b 4096 -J size=4",
	"-t ext4 -b 1024 -J size=1 -I 256 -O inline_data",
	"-t ext4 -b 1024 -J size=1 -O quota,project -E quotatype=usrquota:grpquota:prjquota",
	"-t ext4 -b 1024 -J size=1 -O orphan_file",
	"-t ext4 -b 1024 -O ^has_journal",
};

struct own {
	uint8_t *bytes; /* what the file holds */
	uint64_t size;
};

struct worker {
	struct stress *stress;
	struct fs *fs;
	unsigned id;
	uint64_t seed;
	struct inode *held[HELD];
	struct own own[OWN];
	uint8_t *buf; /* OWN_SIZE */
	_Atomic(const char *) op;
	atomic_uint done;
};

/* What the kernel's client would know of the inodes: those in use are not freed. */
struct knowledge {
	pthread_mutex_t locks[64];
	/* For writing while an inode without a name is made and nobody knows it yet. */
	pthread_rwlock_t nameless;
	unsigned counts[INODES + 1]; /* [locks, by number] */
};

struct stress {
	struct fs *fs;
	struct knowledge known;
	struct worker workers[THREADS];
	unsigned ops;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over; /* [lock] */
};

/* Not cmocka's: it can fail in its own thread only. */
static void PRINTF_LIKE(1, 2) __attribute__((noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static unsigned roll(struct worker *w, unsigned sides)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->seed >> 33) % sides;
}

/* Errors that the threads may make each other see. */
static bool went_well(struct worker *w, ssize_t err)
{
	switch (err < 0 ? err : 0) {
	case 0:
		return true;
	case -EEXIST:
	case -EINVAL:
	case -EISDIR:
	case -ELOOP:
	case -ENODATA:
	case -ENOENT:
	case -ENOSPC:
	case -ENOTDIR:
	case -ENOTEMPTY:
	case -ERANGE:
	case -ESTALE:
		return false;
	default:
		die("thread %u: %s: %s", w->id, w->op, strerror((int)-err));
	}
}

/* ---- who uses what ---- */

static pthread_mutex_t *known_lock(struct worker *w, uint32_t ino)
{
	return &w->stress->known.locks[ino % 64];
}

/* Whether inode may be used from now on: it has not been freed, nor will be before let_go(). */
static bool use(struct worker *w, struct inode *inode)
{
	bool alive;

	pthread_mutex_lock(known_lock(w, inode->ino));
	rwlock_read(&inode->lock);
	alive = inode->d.nlink || inode->orphan;
	rwlock_drop(&inode->lock);
	if (alive)
		w->stress->known.counts[inode->ino]++;
	pthread_mutex_unlock(known_lock(w, inode->ino));
	return alive;
}

/* Somebody stopped using ino, or took a name away. */
static void free_unused(struct worker *w, uint32_t ino, bool forget)
{
	struct knowledge *known = &w->stress->known;
	int err = 0;

	pthread_rwlock_rdlock(&known->nameless);
	pthread_mutex_lock(known_lock(w, ino));
	if (forget)
		known->counts[ino]--;
	if (!known->counts[ino])
		err = orphan_free(w->fs, ino);
	pthread_mutex_unlock(known_lock(w, ino));
	pthread_rwlock_unlock(&known->nameless);
	if (err)
		die("thread %u: %s, inode %u: orphan_free: %s", w->id, w->op, ino, strerror(-err));
}

static void let_go(struct worker *w, struct inode *inode)
{
	uint32_t ino = inode->ino;

	inode_put(inode);
	free_unused(w, ino, true);
}

/* Holds what was made or found, or puts it back and returns NULL. */
static struct inode *used(struct worker *w, int err, struct inode *inode)
{
	if (!went_well(w, err))
		return NULL;
	if (use(w, inode))
		return inode;
	inode_put(inode);
	return NULL;
}

static struct inode *find(struct worker *w, struct inode *dir, const char *name)
{
	struct inode *inode = NULL;
	uint32_t ino;
	int err = namei_lookup(dir, name, strlen(name), &ino);

	if (!err)
		err = inode_get(w->fs, ino, &inode);
	return used(w, err, inode);
}

/* What thread or test cannot do without. */
static struct inode *need_name(struct worker *w, struct inode *dir, const char *name)
{
	struct inode *inode = find(w, dir, name);

	if (!inode)
		die("thread %u: %s: %s has gone", w->id, w->op, name);
	return inode;
}

/* ---- places ---- */

static struct inode *top(struct worker *w, const char *name)
{
	struct inode *root, *dir;
	int err = inode_get(w->fs, EXT2_ROOT_INO, &root);

	if (err)
		die("root: %s", strerror(-err));
	dir = need_name(w, root, name);
	inode_put(root);
	return dir;
}

static struct inode *own_dir(struct worker *w)
{
	char name[8];

	snprintf(name, sizeof(name), "own%u", w->id);
	return top(w, name);
}

static void some_name(struct worker *w, char name[32])
{
	unsigned nr = roll(w, NAMES);

	/* of all lengths, and the same whoever asks */
	snprintf(name, 32, "n%0*u", 1 + (int)(nr * 5 % 25), nr);
}

static uint16_t type_of(struct inode *inode)
{
	uint16_t mode;

	rwlock_read(&inode->lock);
	mode = inode->d.mode;
	rwlock_drop(&inode->lock);
	return mode & S_IFMT;
}

static bool removed(struct inode *dir)
{
	bool gone;

	rwlock_read(&dir->lock);
	gone = !dir->d.nlink;
	rwlock_drop(&dir->lock);
	return gone;
}

/* The thread's own directory or a shared one, or one below. */
static struct inode *some_dir(struct worker *w)
{
	char name[32];
	struct inode *dir, *below;

	if (!roll(w, 3)) {
		dir = own_dir(w);
	} else {
		snprintf(name, sizeof(name), "s%u", roll(w, SHARED));
		dir = top(w, name);
	}
	if (roll(w, 3))
		return dir;
	some_name(w, name);
	below = find(w, dir, name);
	if (!below)
		return dir;
	if (type_of(below) == S_IFDIR) {
		let_go(w, dir);
		return below;
	}
	let_go(w, below);
	return dir;
}

static struct inode *some_inode(struct worker *w)
{
	struct inode *dir, *inode;
	char name[32];

	dir = some_dir(w);
	some_name(w, name);
	inode = find(w, dir, name);
	let_go(w, dir);
	return inode;
}

/* Goes on using inode instead of something else. */
static void hold(struct worker *w, struct inode *inode)
{
	unsigned i = roll(w, HELD);

	if (w->held[i])
		let_go(w, w->held[i]);
	w->held[i] = inode;
}

static struct inode *some_file(struct worker *w)
{
	struct inode *inode = w->held[roll(w, HELD)];

	return inode && type_of(inode) == S_IFREG ? inode : NULL;
}

/* ---- operations on names ---- */

static struct cred cred_of(struct worker *w)
{
	return (struct cred){ .uid = w->id * 100 + roll(w, 20), .gid = roll(w, 20), .umask = 022 };
}

static void op_make(struct worker *w)
{
	static const uint16_t modes[] = { S_IFREG | 0644, S_IFREG | 0600, S_IFDIR | 0755,
		S_IFIFO | 0600 };
	struct inode *dir = some_dir(w), *inode = NULL;
	struct cred cred = cred_of(w);
	char name[32], target[300];
	int err;

	some_name(w, name);
	memset(target, 't', sizeof(target));
	if (!roll(w, 6))
		err = namei_symlink(dir, name, strlen(name), target, 1 + roll(w, sizeof(target)),
			&cred, &inode);
	else
		err = namei_make(dir, name, strlen(name), modes[roll(w, ARRAY_SIZE(modes))], 0,
			&cred, &inode);
	inode = used(w, err, inode);
	if (inode)
		hold(w, inode);
	let_go(w, dir);
}

static void op_tmpfile(struct worker *w)
{
	struct inode *dir = some_dir(w), *inode = NULL;
	struct cred cred = cred_of(w);
	char name[32];
	int err;

	pthread_rwlock_wrlock(&w->stress->known.nameless);
	err = namei_tmpfile(dir, S_IFREG | 0600, &cred, &inode);
	/* what a directory that another thread has removed answers, here alone not with ENOENT */
	if (err == -EPERM && removed(dir))
		err = -ENOENT;
	inode = used(w, err, inode);
	pthread_rwlock_unlock(&w->stress->known.nameless);
	if (inode) {
		hold(w, inode);
		some_name(w, name);
		if (roll(w, 2))
			went_well(w, namei_link(inode, dir, name, strlen(name)));
	}
	let_go(w, dir);
}

static void op_find(struct worker *w)
{
	struct inode *inode = some_inode(w);

	if (inode)
		hold(w, inode);
}

static void op_link(struct worker *w)
{
	struct inode *dir = some_dir(w), *inode = some_file(w);
	char name[32];

	some_name(w, name);
	if (inode)
		went_well(w, namei_link(inode, dir, name, strlen(name)));
	let_go(w, dir);
}

static void op_unlink(struct worker *w)
{
	struct inode *dir = some_dir(w), *inode;
	char name[32];
	uint32_t ino = 0;
	int err;

	some_name(w, name);
	/* half of the time somebody keeps it */
	inode = roll(w, 2) ? find(w, dir, name) : NULL;
	if (inode)
		hold(w, inode);
	if (roll(w, 3))
		err = namei_unlink(dir, name, strlen(name), &ino);
	else
		err = namei_rmdir(dir, name, strlen(name), &ino);
	if (went_well(w, err) && ino)
		free_unused(w, ino, false);
	let_go(w, dir);
}

static void op_rename(struct worker *w)
{
	static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE,
		RENAME_WHITEOUT };
	bool within = roll(w, 2);
	struct inode *from = some_dir(w), *to = within ? from : some_dir(w);
	struct cred cred = cred_of(w);
	char name[32], to_name[32];
	uint32_t ino = 0;
	int err;

	some_name(w, name);
	some_name(w, to_name);
	err = namei_rename(from, name, strlen(name), to, to_name, strlen(to_name),
		flags[roll(w, ARRAY_SIZE(flags))], &cred, &ino);
	if (went_well(w, err) && ino)
		free_unused(w, ino, false);
	if (!within)
		let_go(w, to);
	let_go(w, from);
}

struct seen {
	unsigned kept[KEPT];
	bool stop_early;
	unsigned left;	/* with that: entries until then */
	uint64_t pos;
};

static bool see(void *arg, const struct dir_entry *entry)
{
	struct seen *seen = arg;
	unsigned nr;

	if (seen->stop_early && !seen->left--)
		return false;
	if (entry->len == 7 && sscanf(entry->name, "kept%3u", &nr) == 1 && nr < KEPT)
		seen->kept[nr]++;
	seen->pos = entry->next;
	return true;
}

/* A name that is there all the time is seen once, in however many pieces the directory is read. */
static void op_readdir(struct worker *w)
{
	struct seen seen = { .stop_early = true };
	struct inode *dir;
	uint64_t before;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "s%u", roll(w, SHARED));
	dir = top(w, name);
	do {
		before = seen.pos;
		seen.left = 5 + roll(w, 20);
		err = dir_iterate(dir, seen.pos, see, &seen);
		if (err)
			die("thread %u: readdir: %s", w->id, strerror(-err));
	} while (seen.pos != before);
	for (unsigned i = 0; i < KEPT; i++)
		if (seen.kept[i] != 1)
			die("thread %u: kept%03u was listed %u times", w->id, i, seen.kept[i]);
	let_go(w, dir);
}

static void op_lookup(struct worker *w)
{
	char name[32];
	struct inode *dir;

	snprintf(name, sizeof(name), "s%u", roll(w, SHARED));
	dir = top(w, name);
	snprintf(name, sizeof(name), "kept%03u", roll(w, KEPT));
	let_go(w, need_name(w, dir, name));
	let_go(w, dir);
}

/* ---- operations on contents and attributes ---- */

static void op_write(struct worker *w)
{
	struct inode *inode = some_file(w);
	size_t len = 1 + roll(w, 20000);

	if (!inode)
		return;
	memset(w->buf, (int)('a' + w->id), len);
	went_well(w, file_write(inode, roll(w, 200000), w->buf, len, roll(w, 2), true));
}

static void op_read(struct worker *w)
{
	struct inode *inode = some_file(w);

	if (inode)
		went_well(w, file_read(inode, roll(w, 200000), w->buf, 1 + roll(w, 20000)));
}

static void op_truncate(struct worker *w)
{
	struct attr_change change = { .what = ATTR_SIZE, .size = roll(w, 100000) };
	struct inode *inode = some_file(w);
	struct dinode d;

	if (inode)
		went_well(w, attr_set(inode, &change, &d));
}

/* Not what maps by pointers or inline data cannot do. */
static bool may_fallocate(ssize_t err)
{
	return err != -EOPNOTSUPP;
}

static void op_fallocate(struct worker *w)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE };
	struct inode *inode = some_file(w);
	int err;

	if (!inode)
		return;
	err = file_fallocate(inode, modes[roll(w, ARRAY_SIZE(modes))], roll(w, 100000),
		1 + roll(w, 60000), true);
	if (may_fallocate(err))
		went_well(w, err);
}

static void op_attr(struct worker *w)
{
	struct attr_change change = { .what = roll(w, 2) ? ATTR_MODE : ATTR_UID | ATTR_GID,
		.mode = (uint16_t)roll(w, 01000), .uid = roll(w, 500), .gid = roll(w, 500) };
	struct inode *inode = w->held[roll(w, HELD)];
	struct dinode d;

	if (inode)
		went_well(w, attr_set(inode, &change, &d));
}

static void op_xattr(struct worker *w)
{
	struct inode *inode = w->held[roll(w, HELD)];
	char name[16], value[600];
	size_t len = roll(w, 3) ? roll(w, 40) : roll(w, sizeof(value));

	if (!inode || (type_of(inode) != S_IFREG && type_of(inode) != S_IFDIR))
		return;
	snprintf(name, sizeof(name), "user.x%u", roll(w, 3));
	memset(value, (int)('0' + roll(w, 3)), sizeof(value)); /* equal ones share blocks */
	if (roll(w, 4))
		went_well(w, xattr_set(inode, name, roll(w, 3) ? value : NULL, len, 0, true));
	else
		went_well(w, xattr_get(inode, name, value, sizeof(value)));
}

static void op_sync(struct worker *w)
{
	struct inode *inode = w->held[roll(w, HELD)];

	if (!roll(w, 4))
		went_well(w, fs_sync(w->fs));
	else if (inode)
		went_well(w, file_sync(inode, roll(w, 2)));
}

static void op_statfs(struct worker *w)
{
	struct statvfs st;

	went_well(w, fs_statfs(w->fs, &st));
	if (st.f_bfree > st.f_blocks || st.f_ffree > st.f_files)
		die("thread %u: statfs: %ju blocks of %ju, %ju inodes of %ju free", w->id,
			(uintmax_t)st.f_bfree, (uintmax_t)st.f_blocks, (uintmax_t)st.f_ffree,
			(uintmax_t)st.f_files);
}

/* ---- files whose contents are known ---- */

static struct inode *own_file(struct worker *w, unsigned nr)
{
	struct inode *dir = own_dir(w), *inode;
	char name[16];

	snprintf(name, sizeof(name), "file%u", nr);
	inode = need_name(w, dir, name);
	let_go(w, dir);
	return inode;
}

static void own_write(struct worker *w, struct own *own, struct inode *inode)
{
	uint64_t off = roll(w, OWN_SIZE);
	size_t len = 1 + roll(w, (unsigned)(OWN_SIZE - off));
	uint8_t byte = (uint8_t)(1 + roll(w, 255));
	ssize_t got;

	if (len > 9000)
		len = 9000;
	memset(w->buf, byte, len);
	got = file_write(inode, off, w->buf, len, true, true);
	if (!went_well(w, got))
		return;
	memset(own->bytes + off, byte, (size_t)got);
	if (off + (uint64_t)got > own->size)
		own->size = off + (uint64_t)got;
}

static void own_truncate(struct worker *w, struct own *own, struct inode *inode)
{
	struct attr_change change = { .what = ATTR_SIZE, .size = roll(w, OWN_SIZE) };
	struct dinode d;

	if (!went_well(w, attr_set(inode, &change, &d)))
		return;
	if (change.size < own->size)
		memset(own->bytes + change.size, 0, own->size - change.size);
	own->size = change.size;
}

static void own_punch(struct worker *w, struct own *own, struct inode *inode)
{
	uint64_t off = roll(w, OWN_SIZE), len = 1 + roll(w, (unsigned)(OWN_SIZE - off));
	int err = file_fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len, true);

	if (may_fallocate(err) && went_well(w, err))
		memset(own->bytes + off, 0, len);
}

static void op_own(struct worker *w)
{
	unsigned nr = roll(w, OWN);
	struct own *own = &w->own[nr];
	struct inode *inode = own_file(w, nr);
	uint64_t off = own->size ? roll(w, (unsigned)own->size) : 0;
	ssize_t got;

	switch (roll(w, 6)) {
	case 0:
	case 1:
		own_write(w, own, inode);
		break;
	case 2:
		own_truncate(w, own, inode);
		break;
	case 3:
		own_punch(w, own, inode);
		break;
	default:
		got = file_read(inode, off, w->buf, OWN_SIZE);
		if (got != (ssize_t)(own->size - off) || memcmp(w->buf, own->bytes + off, (size_t)got))
			die("thread %u: file%u: read %zd at %ju of %ju bytes, or others", w->id, nr,
				got, (uintmax_t)off, (uintmax_t)own->size);
	}
	let_go(w, inode);
}

/* ---- the threads ---- */

static const struct {
	const char *name;
	unsigned weight;
	void (*fn)(struct worker *w);
} ops[] = {
	{ "create", 14, op_make }, { "tmpfile", 2, op_tmpfile }, { "find", 12, op_find },
	{ "link", 5, op_link }, { "unlink", 12, op_unlink }, { "rename", 12, op_rename },
	{ "readdir", 3, op_readdir }, { "lookup", 5, op_lookup }, { "write", 14, op_write },
	{ "read", 6, op_read }, { "truncate", 6, op_truncate }, { "fallocate", 6, op_fallocate },
	{ "setattr", 4, op_attr }, { "setxattr", 6, op_xattr }, { "sync", 2, op_sync },
	{ "statfs", 2, op_statfs }, { "own file", 16, op_own },
};

static void one_op(struct worker *w)
{
	unsigned sum = 0, left;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		sum += ops[i].weight;
	left = roll(w, sum);
	for (i = 0; left >= ops[i].weight; i++)
		left -= ops[i].weight;
	atomic_store(&w->op, ops[i].name);
	ops[i].fn(w);
	atomic_fetch_add(&w->done, 1);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < w->stress->ops; i++)
		one_op(w);
	atomic_store(&w->op, "end");
	for (unsigned i = 0; i < HELD; i++)
		if (w->held[i])
			let_go(w, w->held[i]);
	atomic_store(&w->op, NULL);
	return NULL;
}

static void check_progress(struct stress *s, unsigned seen[THREADS], unsigned still[THREADS])
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct worker *w = &s->workers[i];
		unsigned done = atomic_load(&w->done);
		const char *op = atomic_load(&w->op);

		still[i] = op && done == seen[i] ? still[i] + 1 : 0;
		seen[i] = done;
		if (still[i] >= STUCK)
			die("thread %u: operation %u, %s, has not ended in %d s", i, done, op, STUCK);
	}
}

static void *watch(void *arg)
{
	unsigned seen[THREADS] = { 0 }, still[THREADS] = { 0 }; /* still: seconds */
	struct stress *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->over) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (pthread_cond_timedwait(&s->changed, &s->lock, &until) == ETIMEDOUT)
			check_progress(s, seen, still);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the test ---- */

static void make_in(struct inode *dir, const char *name, uint16_t mode, struct inode **ret)
{
	const struct cred cred = { .uid = 0 };

	assert_int_equal(namei_make(dir, name, strlen(name), mode, 0, &cred, ret), 0);
}

static unsigned number_from(const char *variable, unsigned otherwise)
{
	const char *value = getenv(variable);

	return value ? (unsigned)strtoul(value, NULL, 10) : otherwise;
}

static void prepare(struct stress *s)
{
	struct inode *root = root_of(s->fs), *dir, *file;
	char name[16];

	for (unsigned i = 0; i < SHARED; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		make_in(root, name, S_IFDIR | 0755, &dir);
		for (unsigned k = 0; k < KEPT; k++) {
			snprintf(name, sizeof(name), "kept%03u", k);
			make_in(dir, name, S_IFREG | 0644, &file);
			inode_put(file);
		}
		inode_put(dir);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		struct worker *w = &s->workers[i];

		*w = (struct worker){ .stress = s, .fs = s->fs, .id = i,
			.seed = number_from("STRESS_SEED", 1) * 1000 + i };
		atomic_init(&w->op, "start");
		w->buf = malloc(OWN_SIZE);
		assert_non_null(w->buf);
		snprintf(name, sizeof(name), "own%u", i);
		make_in(root, name, S_IFDIR | 0755, &dir);
		for (unsigned k = 0; k < OWN; k++) {
			w->own[k].bytes = calloc(1, OWN_SIZE);
			assert_non_null(w->own[k].bytes);
			snprintf(name, sizeof(name), "file%u", k);
			make_in(dir, name, S_IFREG | 0644, &file);
			inode_put(file);
		}
		inode_put(dir);
	}
	inode_put(root);
}

static struct stress *stress_new(struct fs *fs)
{
	struct stress *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_true(fs->sb.inodes <= INODES);
	s->fs = fs;
	s->ops = number_from("STRESS_OPS", OPS);
	for (size_t i = 0; i < ARRAY_SIZE(s->known.locks); i++)
		pthread_mutex_init(&s->known.locks[i], NULL);
	pthread_rwlock_init(&s->known.nameless, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	prepare(s);
	return s;
}

static void stress_free(struct stress *s)
{
	for (unsigned i = 0; i < THREADS; i++) {
		free(s->workers[i].buf);
		for (unsigned k = 0; k < OWN; k++)
			free(s->workers[i].own[k].bytes);
	}
	free(s);
}

static void run(struct stress *s)
{
	pthread_t threads[THREADS], watcher;

	assert_int_equal(pthread_create(&watcher, NULL, watch, s), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &s->workers[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_lock(&s->lock);
	s->over = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(watcher, NULL);
}

/* What the threads wrote and never lost is there after a fresh look at the image. */
static void check_own(struct stress *s)
{
	s->fs = open_image("image", false);
	for (unsigned i = 0; i < THREADS; i++) {
		struct worker *w = &s->workers[i];

		w->fs = s->fs;
		for (unsigned k = 0; k < OWN; k++) {
			struct inode *inode = own_file(w, k);
			ssize_t got = file_read(inode, 0, w->buf, OWN_SIZE);

			assert_int_equal(got, w->own[k].size);
			assert_memory_equal(w->buf, w->own[k].bytes, (size_t)got);
			inode_put(inode);
		}
	}
	assert_int_equal(fs_close(s->fs), 0);
}

static struct fs *open_small(const char *image)
{
	struct fs_options opts = { .writable = true, .cache_bytes = CACHE, .commit_interval = 1 };
	int fd = open(image, O_RDWR);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
}

static void test_stress(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		char args[256];
		struct stress *s;

		snprintf(args, sizeof(args), "-N %u %s", INODES / 2, variants[v]);
		make("24m", args);
		s = stress_new(open_small("image"));
		run(s);
		assert_true(fs_is_writable(s->fs));
		assert_int_equal(fs_close(s->fs), 0);
		check_clean("image", args);
		check_own(s);
		stress_free(s);
	}
}

/* ---- numbers that are used again at once ---- */

#define REUSE_TURNS 1500u

struct reuser {
	struct fs *fs;
	uint32_t dir;
};

static void *reuse(void *arg)
{
	const struct cred cred = { .uid = 0 };
	struct reuser *r = arg;
	struct inode *dir, *inode;
	uint32_t ino, gone;
	struct dinode d;

	if (inode_get(r->fs, r->dir, &dir))
		die("no directory");
	for (unsigned i = 0; i < REUSE_TURNS; i++) {
		int err = namei_make(dir, "f", 1, S_IFREG | 0644, 0, &cred, &inode);

		if (err)
			die("turn %u: make: %s", i, strerror(-err));
		ino = inode->ino;
		/* what another thread freed and this one got is this one's alone */
		for (unsigned k = 0; k < 5; k++) {
			err = dinode_load(r->fs, ino, &d);
			if (err || d.mode != (S_IFREG | 0644) || d.nlink != 1)
				die("turn %u: inode %u: error %d, mode %o, %u links", i, ino, -err,
					d.mode, d.nlink);
		}
		inode_put(inode);
		err = namei_unlink(dir, "f", 1, &gone);
		if (err || gone != ino || orphan_free(r->fs, ino))
			die("turn %u: inode %u: unlink: %s, %u", i, ino, strerror(-err), gone);
	}
	inode_put(dir);
	return NULL;
}

static void test_reuse(void **state)
{
	struct reuser r[THREADS];
	pthread_t threads[THREADS];
	struct inode *root, *dir;
	char name[8];

	(void)state;
	make("8m", "-t ext4 -b 1024 -N 64 -O ^has_journal");
	r[0].fs = open_small("image");
	root = root_of(r[0].fs);
	for (unsigned i = 0; i < THREADS; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		make_in(root, name, S_IFDIR | 0755, &dir);
		r[i] = (struct reuser){ .fs = r[0].fs, .dir = dir->ino };
		inode_put(dir);
	}
	inode_put(root);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reuse, &r[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(fs_close(r[0].fs), 0);
	check_clean("image", "numbers used again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_stress),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
