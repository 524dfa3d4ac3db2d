/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX ACLs: ext4's format (version 1: entries without an id are 4 bytes, others 8) and the one
 * of the system.posix_acl_* attributes (version 2: every entry 8 bytes). Pure.
 */
#ifndef EXT4D_FORMAT_ACL_H
#define EXT4D_FORMAT_ACL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"

/*
 * Converts the len bytes of an ACL on disk for getxattr(2); returns its length in bytes. size 0
 * asks for the length alone, -ERANGE size too small. 0: there is no ACL (an empty value, or a
 * header without entries). -EUCLEAN damaged; what is checked is what ext4_acl_from_disk() checks,
 * the order of the entries is not.
 */
ssize_t acl_to_posix(const uint8_t *disk, size_t len, uint8_t *buf, size_t size) MUST_CHECK;

/*
 * Converts the len bytes of an attribute for the disk, with the same results, except: -EINVAL where
 * posix_acl_valid() would refuse it (entries missing, double or out of order, unknown
 * permissions, no id where one must be), -EOPNOTSUPP an unknown version.
 */
ssize_t acl_from_posix(const uint8_t *posix, size_t len, uint8_t *buf, size_t size) MUST_CHECK;

/* ---- an ACL on disk and the mode beside it: 0 or 1 as said, -EUCLEAN damaged ---- */

/*
 * Sets *mode's permissions to what the ACL gives (posix_acl_equiv_mode()). 1: the ACL says more than
 * a mode can.
 */
int acl_equiv_mode(const uint8_t *disk, size_t len, uint16_t *mode) MUST_CHECK;

/*
 * Makes a default ACL the access ACL of an inode that is made with *mode: each takes from the other
 * what that does not allow (posix_acl_create_masq()). 1: the ACL says more than a mode can.
 */
int acl_create_masq(uint8_t *disk, size_t len, uint16_t *mode) MUST_CHECK;

/* Puts mode's permissions into an access ACL (__posix_acl_chmod_masq()). 0. */
int acl_chmod_masq(uint8_t *disk, size_t len, uint16_t mode) MUST_CHECK;

#endif
