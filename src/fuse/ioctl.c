// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/ioctl.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Older headers lack these two; numbers of linux/fs.h. */
#define IOC_GETFSUUID _IOR(0x15, 0, struct ioctl_uuid)
#define EXT4_IOC_GETVERSION_OLD _IOR('f', 3, long)

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

/* The kernel's fileattr_fill_flags(): what FS_IOC_FSGETXATTR makes of the same flags. */
static uint32_t xflags(uint32_t flags)
{
	static const struct {
		uint32_t flag, xflag;
	} table[] = {
		{ EXT2_SYNC_FL, FS_XFLAG_SYNC },
		{ EXT2_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE },
		{ EXT2_APPEND_FL, FS_XFLAG_APPEND },
		{ EXT2_NODUMP_FL, FS_XFLAG_NODUMP },
		{ EXT2_NOATIME_FL, FS_XFLAG_NOATIME },
		{ FS_DAX_FL, FS_XFLAG_DAX },
		{ EXT4_PROJINHERIT_FL, FS_XFLAG_PROJINHERIT },
	};
	uint32_t ret = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (flags & table[i].flag)
			ret |= table[i].xflag;
	return ret;
}

static size_t get_fsxattr(const struct inode *inode, struct fsxattr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->fsx_xflags = xflags(visible_flags(inode));
	ret->fsx_projid = inode->d.projid;
	return sizeof(*ret);
}

static size_t get_label(const struct inode *inode, char *ret)
{
	memset(ret, 0, IOCTL_LABEL_MAX);
	strcpy(ret, (const char *)fs_super(inode->fs)->label);
	return IOCTL_LABEL_MAX;
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

int ioctl_run(struct inode *inode, unsigned cmd, union ioctl_result *ret, size_t *ret_len)
{
	switch (cmd) {
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
		*ret_len = get_label(inode, ret->label);
		return 0;
	case IOC_GETFSUUID:
		*ret_len = get_uuid(inode, &ret->uuid);
		return 0;
	case EXT4D_IOC_SERVER:
		*ret_len = get_server(&ret->server);
		return 0;
	default:
		return -ENOTTY;
	}
}
