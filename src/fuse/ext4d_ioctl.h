/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioctls of an ext4d mount for programs outside: keys and policies of encrypted directories. The kernel's own
 * (<linux/fscrypt.h>) do not reach a FUSE server, which is given as many bytes as an ioctl's number says. Any
 * file of the mount will do for EXT4D_IOC_ADD_KEY. Layouts are fixed; numbers and errors are the kernel's.
 * -ENOTTY: not a mount of ext4d, -EOPNOTSUPP: the image has not the encrypt feature.
 */
#ifndef EXT4D_IOCTL_H
#define EXT4D_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define EXT4D_KEY_MAX 64	/* bytes of a raw key */
#define EXT4D_KEY_NAME 16	/* bytes of an identifier; a descriptor has 8, and zeros behind */
#define EXT4D_DESCRIPTOR 8

/*
 * Gives the server a key. Version 1: name is the descriptor, for which CAP_SYS_ADMIN is needed, since anybody
 * could claim any; version 2: name becomes the identifier. One that the server has stays as it is.
 * -EINVAL, -EACCES, -EDQUOT too many keys.
 */
struct ext4d_add_key {
	__u32 version;	/* in: of the policies that name it, 1 or 2 */
	__u32 raw_size; /* in: bytes */
	__u8 name[EXT4D_KEY_NAME];
	__u8 raw[EXT4D_KEY_MAX]; /* in; out: zeros */
};
#define EXT4D_IOC_ADD_KEY _IOWR(0xE4, 3, struct ext4d_add_key)

/* How a directory and all that is made in it are encrypted. */
struct ext4d_policy {
	__u8 version;	    /* 1 or 2 */
	__u8 contents_mode; /* FSCRYPT_MODE_* */
	__u8 names_mode;
	__u8 flags;	/* FSCRYPT_POLICY_FLAG* */
	__u8 unit_bits; /* log2 of a data unit's bytes; 0: a block */
	__u8 reserved[3]; /* zeros */
	__u8 name[EXT4D_KEY_NAME]; /* of the key */
};

/* The policy of a file. -ENODATA: it is not encrypted, -EINVAL: by no policy that is known. */
#define EXT4D_IOC_GET_POLICY _IOR(0xE4, 4, struct ext4d_policy)

/*
 * Puts an empty directory under a policy; one that is under it already stays. -EACCES the caller does not own
 * it, -EROFS, -EEXIST it has another, -ENOTDIR, -ENOTEMPTY, -ENOENT it was removed, -EINVAL no policy that the
 * kernel would use, -ENOKEY version 2 and the key has not been added, -EPERM the root.
 */
#define EXT4D_IOC_SET_POLICY _IOW(0xE4, 5, struct ext4d_policy)

#endif
