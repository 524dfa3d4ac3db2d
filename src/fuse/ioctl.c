// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/ioctl.h"

#include <errno.h>
#include <linux/capability.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt/provisioned.h"
#include "fs/attr.h"
#include "fs/balloc.h"
#include "fs/cryptpolicy.h"
#include "fs/label.h"
#include "util/secret.h"

/* Older headers lack these two; numbers of linux/fs.h. */
#define IOC_GETFSUUID _IOR(0x15, 0, struct ioctl_uuid)
#define EXT4_IOC_GETVERSION_OLD _IOR('f', 3, long)
#define EXT4_IOC_SETVERSION_OLD _IOW('f', 4, long)

#define EOFBLOCKS_FL 0x00400000 /* of older kernels, shown to this day */

/* Flags that FS_IOC_GETFLAGS shows: EXT4_FL_USER_VISIBLE of the kernel. */
#define USER_VISIBLE_FLAGS                                                                         \
	(EXT2_SECRM_FL | EXT2_UNRM_FL | EXT2_COMPR_FL | EXT2_SYNC_FL | EXT2_IMMUTABLE_FL |         \
		EXT2_APPEND_FL | EXT2_NODUMP_FL | EXT2_NOATIME_FL | EXT2_DIRTY_FL |                \
		EXT2_COMPRBLK_FL | EXT2_NOCOMPR_FL | EXT4_ENCRYPT_FL | EXT2_INDEX_FL |             \
		EXT3_JOURNAL_DATA_FL | EXT2_NOTAIL_FL | EXT2_DIRSYNC_FL | EXT2_TOPDIR_FL |         \
		EXT4_EXTENTS_FL | EXT4_VERITY_FL |                                                 \
		EOFBLOCKS_FL | FS_DAX_FL | EXT4_INLINE_DATA_FL | EXT4_PROJINHERIT_FL | EXT4_CASEFOLD_FL)

static uint32_t visible_flags(const struct inode *inode)
{
	return inode->d.flags & USER_VISIBLE_FLAGS;
}

/* The kernel's fileattr_fill_flags(): the same flags in FS_IOC_FSGETXATTR's words. */
static const struct {
	uint32_t flag, xflag;
} xflag_table[] = {
	{ EXT2_SYNC_FL, FS_XFLAG_SYNC },
	{ EXT2_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE },
	{ EXT2_APPEND_FL, FS_XFLAG_APPEND },
	{ EXT2_NODUMP_FL, FS_XFLAG_NODUMP },
	{ EXT2_NOATIME_FL, FS_XFLAG_NOATIME },
	{ FS_DAX_FL, FS_XFLAG_DAX },
	{ EXT4_PROJINHERIT_FL, FS_XFLAG_PROJINHERIT },
};

#define XFLAG_NR (sizeof(xflag_table) / sizeof(xflag_table[0]))

static uint32_t xflags(uint32_t flags)
{
	uint32_t ret = 0;

	for (size_t i = 0; i < XFLAG_NR; i++)
		if (flags & xflag_table[i].flag)
			ret |= xflag_table[i].xflag;
	return ret;
}

/* flags with those that have an xflag replaced by what xflags says. */
static uint32_t merge_xflags(uint32_t flags, uint32_t xflags)
{
	for (size_t i = 0; i < XFLAG_NR; i++) {
		flags &= ~xflag_table[i].flag;
		if (xflags & xflag_table[i].xflag)
			flags |= xflag_table[i].flag;
	}
	return flags;
}

static size_t get_fsxattr(const struct inode *inode, struct fsxattr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->fsx_xflags = xflags(visible_flags(inode));
	ret->fsx_projid = inode->d.projid;
	return sizeof(*ret);
}

static int get_label(struct inode *inode, char *ret, size_t *ret_len)
{
	*ret_len = IOCTL_LABEL_MAX;
	memset(ret, 0, IOCTL_LABEL_MAX);
	return label_get(inode->fs, ret);
}

static size_t get_uuid(const struct inode *inode, struct ioctl_uuid *ret)
{
	ret->len = sizeof(ret->uuid);
	memcpy(ret->uuid, fs_super(inode->fs)->uuid, sizeof(ret->uuid));
	return sizeof(*ret);
}

static size_t get_server(struct ext4d_server *ret)
{
	struct stat st;

	*ret = (struct ext4d_server){ .pid = getpid(), .version = 1 };
	if (stat("/proc/self/ns/pid", &st) == 0)
		ret->pid_ns = st.st_ino;
	return sizeof(*ret);
}

/* ---- encryption ---- */

_Static_assert(EXT4D_KEY_NAME == FSCRYPT_IDENTIFIER && EXT4D_DESCRIPTOR == FSCRYPT_DESCRIPTOR,
	"the sizes of the disk's names of keys");

/* The name of a key as it came; what a descriptor leaves over must be zeros. */
static int decode_key_name(unsigned version, const uint8_t name[EXT4D_KEY_NAME],
	struct fscrypt_key_name *ret)
{
	static const uint8_t zeros[EXT4D_KEY_NAME - EXT4D_DESCRIPTOR];

	if (version != 1 && version != 2)
		return -EINVAL;
	if (version == 1 && memcmp(name + EXT4D_DESCRIPTOR, zeros, sizeof(zeros)) != 0)
		return -EINVAL;
	*ret = (struct fscrypt_key_name){ .version = (uint8_t)version };
	memcpy(ret->bytes, name, EXT4D_KEY_NAME);
	return 0;
}

/* The reply holds the name, no key. The request's buffer is wiped by who owns it, session_dispatch(). */
static int add_key(struct inode *inode, const struct ioctl_call *call, struct ext4d_add_key *ret)
{
	const struct ext4d_add_key *arg = call->in;
	struct fscrypt_key_name name;
	int err;

	if (call->in_len < sizeof(*arg) || arg->raw_size > EXT4D_KEY_MAX)
		return -EINVAL;
	err = decode_key_name(arg->version, arg->name, &name);
	if (!err && arg->version == 1 && !caller_capable(&call->caller, CAP_SYS_ADMIN))
		err = -EACCES;
	if (err)
		return err;
	(void)secret_guard_process();
	err = fs_add_key(inode->fs, &name, arg->raw, arg->raw_size);
	if (err)
		return err;
	*ret = (struct ext4d_add_key){ .version = name.version, .raw_size = arg->raw_size };
	memcpy(ret->name, name.bytes, EXT4D_KEY_NAME);
	return 0;
}

/* FS_IOC_ADD_ENCRYPTION_KEY's: whose key it is, in the kernel's words. */
static int decode_key_spec(const struct fscrypt_key_specifier *spec, struct fscrypt_key_name *ret)
{
	if (spec->__reserved ||
		(spec->type != FSCRYPT_KEY_SPEC_TYPE_DESCRIPTOR &&
			spec->type != FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER))
		return -EINVAL;
	*ret = (struct fscrypt_key_name){ .version =
			spec->type == FSCRYPT_KEY_SPEC_TYPE_DESCRIPTOR ? 1 : 2 };
	if (ret->version == 1)
		memcpy(ret->bytes, spec->u.descriptor, FSCRYPT_DESCRIPTOR);
	return 0;
}

/*
 * The kernel's own FS_IOC_ADD_ENCRYPTION_KEY, with the serial of a key: of the raw key that may follow, FUSE
 * carries nothing. The kernel takes a key that the caller may search; we cannot know that, and take the
 * caller's own.
 */
static int add_key_by_id(struct inode *inode, const struct ioctl_call *call,
	struct fscrypt_add_key_arg *ret)
{
	const struct fscrypt_add_key_arg *arg = call->in;
	bool may_all = caller_capable(&call->caller, CAP_SYS_ADMIN);
	uint8_t raw[MASTERKEY_MAX];
	struct fscrypt_key_name name;
	size_t size;
	int err;

	if (call->in_len < sizeof(*arg))
		return -EINVAL;
	if (!super_has_encrypt(fs_super(inode->fs)))
		return -EOPNOTSUPP;
	err = decode_key_spec(&arg->key_spec, &name);
	for (size_t i = 0; !err && i < sizeof(arg->__reserved) / sizeof(arg->__reserved[0]); i++)
		if (arg->__reserved[i])
			err = -EINVAL;
	if (err)
		return err;
	if (!arg->key_id)
		return arg->raw_size ? -ENOTTY : -EINVAL;
	if (arg->raw_size)
		return -EINVAL;
	if (name.version == 1 && !may_all)
		return -EACCES;
	err = provisioned_read((int32_t)arg->key_id, call->caller.uid, may_all, &name, raw, &size);
	if (!err)
		err = fs_add_key(inode->fs, &name, raw, size);
	OPENSSL_cleanse(raw, sizeof(raw));
	if (err)
		return err;
	*ret = *arg;
	if (name.version == 2)
		memcpy(ret->key_spec.u.identifier, name.bytes, FSCRYPT_IDENTIFIER);
	return 0;
}

static int get_policy(struct inode *inode, struct ext4d_policy *ret)
{
	struct fscrypt_context context;
	int err = cryptpolicy_get(inode, &context);

	if (err)
		return err;
	*ret = (struct ext4d_policy){ .version = context.key.version,
		.contents_mode = context.contents_mode, .names_mode = context.names_mode,
		.flags = context.flags, .unit_bits = context.unit_bits };
	memcpy(ret->name, context.key.bytes, EXT4D_KEY_NAME);
	return 0;
}

static int set_policy(struct inode *inode, const struct ioctl_call *call)
{
	const struct ext4d_policy *arg = call->in;
	struct fscrypt_context context = { 0 };
	bool may_all = caller_capable(&call->caller, CAP_FOWNER);
	uint32_t owner;
	int err;

	if (call->in_len < sizeof(*arg) || arg->reserved[0] || arg->reserved[1] || arg->reserved[2] ||
		(arg->version == 1 && arg->unit_bits))
		return -EINVAL;
	err = decode_key_name(arg->version, arg->name, &context.key);
	if (err)
		return err;
	context.contents_mode = arg->contents_mode;
	context.names_mode = arg->names_mode;
	context.flags = arg->flags;
	context.unit_bits = arg->unit_bits;
	rwlock_read(&inode->lock);
	owner = inode->d.uid;
	rwlock_drop(&inode->lock);
	if (call->caller.uid != owner && !may_all)
		return -EACCES;
	return cryptpolicy_set(inode, &context, !may_all);
}

/* ---- changes ---- */

static int set_flags(struct inode *inode, const struct ioctl_call *call)
{
	uint32_t flags, changed;

	/* the number says long, the kernel takes an int */
	if (call->in_len < sizeof(flags))
		return -EINVAL;
	memcpy(&flags, call->in, sizeof(flags));
	rwlock_read(&inode->lock);
	changed = flags ^ inode->d.flags;
	rwlock_drop(&inode->lock);
	/* of those that take a right this one is not the VFS's affair (ext4_ioctl_setflags()) */
	return attr_set_flags(inode, flags,
		!(changed & EXT3_JOURNAL_DATA_FL) || caller_capable(&call->caller, CAP_SYS_RESOURCE));
}

static int set_fsxattr(struct inode *inode, const struct ioctl_call *call)
{
	struct fsxattr fsx;
	uint32_t flags;
	int err;

	if (call->in_len < sizeof(fsx))
		return -EINVAL;
	memcpy(&fsx, call->in, sizeof(fsx));
	rwlock_read(&inode->lock);
	flags = merge_xflags(visible_flags(inode), fsx.fsx_xflags);
	rwlock_drop(&inode->lock);
	err = attr_set_flags(inode, flags, true);
	return err ? err : attr_set_project(inode, fsx.fsx_projid);
}

static int set_version(struct inode *inode, const struct ioctl_call *call)
{
	uint32_t version, owner;

	if (call->in_len < sizeof(version))
		return -EINVAL;
	memcpy(&version, call->in, sizeof(version));
	rwlock_read(&inode->lock);
	owner = inode->d.uid;
	rwlock_drop(&inode->lock);
	if (call->caller.uid && call->caller.uid != owner)
		return -EPERM;
	return attr_set_generation(inode, version);
}

static int set_label(struct inode *inode, const struct ioctl_call *call)
{
	if (call->caller.uid)
		return -EPERM;
	if (call->in_len < IOCTL_LABEL_MAX)
		return -EINVAL;
	return label_set(inode->fs, call->in, strnlen(call->in, IOCTL_LABEL_MAX));
}

static int trim(struct inode *inode, const struct ioctl_call *call, struct fstrim_range *ret)
{
	uint64_t bytes;
	int err;

	if (call->caller.uid)
		return -EPERM;
	if (call->in_len < sizeof(*ret))
		return -EINVAL;
	memcpy(ret, call->in, sizeof(*ret));
	err = balloc_trim(inode->fs, ret->start, ret->len, ret->minlen, &bytes);
	ret->len = bytes;
	return err;
}

static int run_change(struct inode *inode, const struct ioctl_call *call, union ioctl_result *ret,
	size_t *ret_len)
{
	*ret_len = 0;
	switch (call->cmd) {
	case FS_IOC_SETFLAGS:
		return set_flags(inode, call);
	case FS_IOC_FSSETXATTR:
		return set_fsxattr(inode, call);
	case FS_IOC_SETVERSION:
	case EXT4_IOC_SETVERSION_OLD:
		return set_version(inode, call);
	case FS_IOC_SETFSLABEL:
		return set_label(inode, call);
	case FITRIM:
		*ret_len = sizeof(ret->trim);
		return trim(inode, call, &ret->trim);
	default:
		return -ENOTTY;
	}
}

int ioctl_run(struct inode *inode, const struct ioctl_call *call, union ioctl_result *ret,
	size_t *ret_len)
{
	switch (call->cmd) {
	case FS_IOC_GETFLAGS:
		ret->word = visible_flags(inode);
		*ret_len = sizeof(ret->word);
		return 0;
	case FS_IOC_FSGETXATTR:
		*ret_len = get_fsxattr(inode, &ret->fsx);
		return 0;
	case FS_IOC_GETVERSION:
	case EXT4_IOC_GETVERSION_OLD:
		/* the number says long, the kernel stores an int */
		ret->word = inode->d.generation;
		*ret_len = sizeof(ret->word);
		return 0;
	case FS_IOC_GETFSLABEL:
		return get_label(inode, ret->label, ret_len);
	case IOC_GETFSUUID:
		*ret_len = get_uuid(inode, &ret->uuid);
		return 0;
	case EXT4D_IOC_SERVER:
		*ret_len = get_server(&ret->server);
		return 0;
	case EXT4D_IOC_WRITABLE:
		ret->word = call->writable;
		*ret_len = sizeof(ret->word);
		return 0;
	case EXT4D_IOC_ADD_KEY:
		*ret_len = sizeof(ret->key);
		return add_key(inode, call, &ret->key);
	case FS_IOC_ADD_ENCRYPTION_KEY:
		*ret_len = sizeof(ret->kernel_key);
		return add_key_by_id(inode, call, &ret->kernel_key);
	case EXT4D_IOC_GET_POLICY:
		*ret_len = sizeof(ret->policy);
		return get_policy(inode, &ret->policy);
	case EXT4D_IOC_SET_POLICY:
		*ret_len = 0;
		return call->writable ? set_policy(inode, call) : -EROFS;
	default:
		return call->writable ? run_change(inode, call, ret, ret_len) : -ENOTTY;
	}
}
