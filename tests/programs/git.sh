#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time limit: 300
# git: some thousand objects in a deep tree; commits, branches, clones, gc, repack, worktrees. After a new mount
# the index still knows every file by its stat data, without looking at contents.
. "${0%/*}/../lib/programs.sh"

need_tool git
export HOME=$WORK GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git config --global init.defaultBranch main
git config --global gc.autoDetach false

# 2000 files, 12 directories deep
make_files()
{
	local i dir

	for ((i = 0; i < 2000; i++)); do
		dir=mnt/repo/d$((i % 10))/e$((i % 70))
		[ $((i % 100)) != 0 ] || dir=$dir/1/2/3/4/5/6/7/8/9/$i
		[ -d "$dir" ] || mkdir -p "$dir"
		printf 'file %d\n%*s\n' $i $((i % 3000)) x >"$dir/f$i"
	done
	ln -s f1 mnt/repo/link
	printf '#!/bin/sh\n' >mnt/repo/run
	chmod 755 mnt/repo/run
}

commits()
{
	local i

	for ((i = 0; i < 15; i++)); do
		echo "change $i" >>"mnt/repo/d$((i % 10))/changed"
		git -C mnt/repo add -A
		git -C mnt/repo commit -q -m "commit $i"
	done
	git -C mnt/repo checkout -q -b side HEAD~8
	git -C mnt/repo rm -q -r d3/e3
	git -C mnt/repo mv d4/e4 moved
	git -C mnt/repo commit -q -m side
	git -C mnt/repo checkout -q main
	git -C mnt/repo merge -q --no-edit side
	git -C mnt/repo tag -a -m release v1
	git -C mnt/repo reset -q --hard v1
}

# Nothing has changed, by stat data alone: diff-files looks at contents, and does not write the index.
unchanged()
{
	equal "diff-files in $1" "" "$(git -C "$1" diff-files)"
	equal "status of $1" "" "$(git -C "$1" status --porcelain)"
}

first_commit()
{
	git -C mnt/repo add -A
	git -C mnt/repo commit -q -m first
}

clones()
{
	git clone -q mnt/repo mnt/clone
	git clone -q --no-hardlinks mnt/repo mnt/copy
	git clone -q --bare "file://$PWD/mnt/repo" mnt/bare.git
	git -C mnt/repo worktree add -q ../tree side
}

tidy()
{
	git -C mnt/repo repack -q -a -d -f --depth=20
	git -C mnt/repo gc -q --prune=now
	git -C mnt/clone gc -q
	git -C mnt/copy repack -q -a -d
}

check_all()
{
	local repo

	for repo in repo clone copy bare.git tree; do
		git -C "mnt/$repo" fsck --full --strict >fsck.out 2>&1 || fail "fsck of $repo: $(cat fsck.out)"
	done
	for repo in repo clone copy tree; do
		unchanged "mnt/$repo"
	done
	equal "the clone's commit" "$(git -C mnt/repo rev-parse main)" "$(git -C mnt/clone rev-parse HEAD)"
}

new_image 512M -b 4096
up
mkdir mnt/repo
git init -q mnt/repo
part git-files make_files
part git-commit first_commit
unchanged mnt/repo
part git-commits commits
part git-clone clones
part git-gc tidy
check_all
# Everything that git wrote into the index before stands when the server and the client have forgotten it.
down
up
check_all
equal "still refers to" "$(git -C mnt/repo rev-parse side)" "$(git -C mnt/tree rev-parse HEAD)"
git -C mnt/repo worktree remove ../tree
git -C mnt/repo checkout -q side
unchanged mnt/repo
down
judge image

# And for the other kind of mount: the kernel's, or ext4d, finds every file as it was.
if on_ext4d; then
	kmount image mnt
	unchanged mnt/repo
	unchanged mnt/clone
	kumount mnt
fi
up
unchanged mnt/repo
settle
