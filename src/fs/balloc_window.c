// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Windows: what keeps files that grow at the same time in few pieces. An allocation that goes on where the
 * last one of its inode ended keeps the free clusters behind it, twice as many each time, out of
 * the way of others (ext3's reservation windows, mballoc's preallocation).
 */
#include "config.h"

#include "fs/balloc_window.h"

#include "fs/balloc_i.h"
#include "fs/fs_i.h"

void balloc_window_drop_locked(struct fs *fs, struct balloc_window *window)
{
	struct group *group = window->group;

	*(window->prev ? &window->prev->next : &group->windows) = window->next;
	if (window->next)
		window->next->prev = window->prev;
	window->prev = window->next = NULL;
	window->group = NULL;
	fs->groups->windowed -= window->nr;
	group_unhold_locked(fs, group, window->start, window->nr, false);
}

void balloc_window_put_locked(struct fs *fs, struct group *group, struct buf *bitmap,
	struct balloc_window *window, uint32_t start, uint32_t nr)
{
	if (group_hold_locked(fs, group, bitmap, start, nr))
		return;
	window->start = start;
	window->nr = nr;
	window->prev = NULL;
	window->next = group->windows;
	if (window->next)
		window->next->prev = window;
	group->windows = window;
	window->group = group;
	fs->groups->windowed += nr;
}

void balloc_release(struct inode *inode)
{
	struct balloc_window *window = &inode->window;
	struct group *group = window->group;

	if (!group)
		return;
	lock_take(&group->lock);
	if (window->group == group)
		balloc_window_drop_locked(inode->fs, window);
	lock_drop(&group->lock);
}

void balloc_window_drop_all(struct fs *fs)
{
	for (uint32_t nr = 0; nr < fs->sb.groups && fs->groups->windowed; nr++) {
		struct group *group = group_find(fs, nr);

		if (!group)
			continue;
		lock_take(&group->lock);
		while (group->windows)
			balloc_window_drop_locked(fs, group->windows);
		lock_drop(&group->lock);
	}
}
