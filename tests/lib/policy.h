/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies that directories are put under, by number; 0 stands for none. */
#ifndef EXT4D_TESTS_LIB_POLICY_H
#define EXT4D_TESTS_LIB_POLICY_H

#include "fs/inode.h"

enum policy { P_NONE, P_V2, P_V1, P_UNITS, P_NR }; /* the first two as ext4ctl sets them */

/* Puts the empty directory under it, with the key of testkey.h, which it adds. As cryptpolicy_set(). */
int policy_set(struct inode *dir, unsigned policy) MUST_CHECK;

/* Which of them an inode is under; P_NR: another, or damage. */
unsigned policy_of(struct inode *inode);

#endif
