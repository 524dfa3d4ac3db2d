/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filesystem that is open: everything below FUSE, usable without it (tests, tools, fuzzing).
 * All functions on a struct fs may be called from any thread at once.
 */
#ifndef EXT4D_FS_FS_H
#define EXT4D_FS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include "blk/blk.h"
#include "format/fscrypt.h"
#include "format/super.h"
#include "util/log.h"

struct fs;

/* What happens when damage is found while the filesystem is writable (mount(8), errors=). */
enum fs_errors {
	FS_ERRORS_DEFAULT, /* as the superblock says */
	FS_ERRORS_CONTINUE,
	FS_ERRORS_RO,
	FS_ERRORS_PANIC,
};

/* Which reads move an access time (mount(8)). */
enum fs_atime {
	FS_ATIME_RELATIME, /* one that is not newer than the last change, or a day old */
	FS_ATIME_STRICT,   /* each */
	FS_ATIME_NONE,
};

struct fs_options {
	bool writable;	    /* changes are allowed: blk can be written, the journal is recovered on disk */
	bool may_read_only; /* with writable: the caller opens again without it after -EROFS */
	enum fs_errors errors;
	unsigned commit_interval; /* seconds; 0: FS_COMMIT_DEFAULT */
	bool sync;	    /* every change is durable when the call that makes it returns */
	bool dirsync;	    /* the same for changes of directories */
	enum fs_atime atime;
	bool nodiratime;    /* reading directories does not move theirs */
	bool lazytime;	    /* access times that have moved are written late */
	bool discard;	    /* discard blocks once their freeing has committed */
	/*
	 * Bit t: exceeding a limit of enum dquot_type t is -EDQUOT, for everybody. Without, usage is
	 * counted alone, as the kernel does without the mount options usrquota, grpquota, prjquota.
	 */
	unsigned quota_limits;
	const char *mounted_on; /* for s_last_mounted; NULL: unknown */
	const char *device; /* the image's name, for others who want to mount it; NULL: unknown */
	unsigned mmp_second_ms; /* how long multiple mount protection's second lasts; 0: 1000 */
	struct blk *journal; /* the external journal's device; owned by the filesystem; NULL: none */
	bool norecovery;    /* do not replay the journal, show what lies on disk */
	bool minixdf;	    /* statfs counts metadata as usable, like the kernel's option */
	size_t cache_bytes; /* budget of metadata buffers; 0: FS_CACHE_DEFAULT */
	/*
	 * Asked for a key that fs_add_key() has not been given, each time that one is wanted, with an inode's
	 * lock held: it must not wait, and remembers what it has not got. raw has room for FS_KEY_MAX bytes.
	 * -ENOKEY; any other error is taken for that. NULL: nobody is asked.
	 */
	int (*find_key)(void *arg, const struct fscrypt_key_name *name, uint8_t *raw, size_t *ret_size);
	void *find_key_arg;
	/* Asked now and then in loops that an image can make long; true: give up with -EINTR. */
	bool (*interrupted)(void); /* NULL: never */
};

#define FS_KEY_MAX 64 /* bytes, MASTERKEY_MAX */
#define FS_COMMIT_DEFAULT 5 /* JBD2_DEFAULT_MAX_COMMIT_AGE */
#define FS_CACHE_DEFAULT ((size_t)128 << 20)

/*
 * Opens the filesystem on blk. Where its journal wants recovery, replays it: into memory, or to the
 * image if opts->writable. On failure says why in one line of the log: -EINVAL not an ext2/3/4 filesystem or
 * truncated, -EOPNOTSUPP an unknown feature, -EROFS one that allows reading only and
 * opts->writable, -EUCLEAN or -EBADMSG damage, -EIO, -ENOMEM.
 * Owns blk and opts->journal from then on, also on failure.
 */
int fs_open(struct blk *blk, const struct fs_options *opts, struct log *log, struct fs **ret)
	MUST_CHECK;

/*
 * Releases everything, after writing it out and marking the filesystem clean if it is writable; returns
 * the first error of that. No inode may be held. NULL is allowed.
 */
int fs_close(struct fs *fs);

/*
 * Whether changes are possible now: opened writable, and no error has made it read-only since.
 */
bool fs_is_writable(const struct fs *fs);

/* syncfs(2): everything done before is durable on return. */
int fs_sync(struct fs *fs) MUST_CHECK;

/*
 * freeze_super(): makes everything durable and the image one that was cleanly unmounted, but for inodes in use
 * without a name; then nothing is written until fs_thaw(). Changes wait meanwhile, with what locks they hold, and so
 * does who wants those: the caller has stopped those that users make. Reading goes on. orphans: there are such
 * inodes. -EBUSY: it is frozen; or an error of the storage.
 */
int fs_freeze(struct fs *fs, bool orphans) MUST_CHECK;

/* Ends that. An error made the filesystem read-only. -EINVAL: it is not frozen. Closing thaws too. */
int fs_thaw(struct fs *fs);

/*
 * The device has died: nothing is committed, nothing written from now on, by fs_close() neither; all changes fail. The
 * next mount recovers what had been committed. Data that other threads are writing just now may still be.
 */
void fs_shutdown(struct fs *fs);

/*
 * Gives the filesystem a key for encrypted inodes, and keeps it until fs_close(). name->version 1:
 * name->bytes is the key's descriptor; 2: becomes its identifier. -EOPNOTSUPP without the encrypt feature,
 * -EINVAL a size that no key has, -ENOMEM, -EDQUOT too many keys.
 */
int fs_add_key(struct fs *fs, struct fscrypt_key_name *name, const uint8_t *raw, size_t size)
	MUST_CHECK;

/* The geometry and features. [const] */
const struct super *fs_super(const struct fs *fs);

/*
 * Reports damage: one rate-limited line naming inode ino (0: the filesystem) and what is wrong. On a
 * writable filesystem also records it in the superblock and does what errors= asks for. Takes
 * LOCK_RANK_LEAF only.
 * Returns err, so that a check reads `return fs_corrupt(...)`. err is -EUCLEAN, or -EBADMSG
 * for a checksum.
 */
int fs_corrupt(struct fs *fs, uint32_t ino, int err, const char *fmt, ...) PRINTF_LIKE(4, 5);

/*
 * Block and inode counts as statfs(2) on the kernel's ext4 gives them. The first call reads
 * every group descriptor.
 */
int fs_statfs(struct fs *fs, struct statvfs *ret) MUST_CHECK;

#endif
