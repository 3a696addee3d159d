/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EXECUTABLE_BPF_H
#define TALLYMAN_EXECUTABLE_BPF_H

#include "kernel.bpf.h"

#define NS_PER_SECOND 1000000000LL

/* Whether the file's inode has an upper dentry; struct ovl_inode keeps it right behind the VFS inode. */
static __always_inline bool overlay_upper(struct inode *inode)
{
	void *upper = NULL;

	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

static __always_inline void fill_times(struct executable_file *to, struct inode *inode)
{
	struct inode___private *private = (void *)inode;
	struct inode___half *half = (void *)inode;
	struct inode___public *public = (void *)inode;

	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		to->mtime_ns = inode->i_mtime_sec * NS_PER_SECOND + inode->i_mtime_nsec;
		to->ctime_ns = inode->i_ctime_sec * NS_PER_SECOND + inode->i_ctime_nsec;
	} else if (bpf_core_field_exists(private->__i_mtime)) {
		to->mtime_ns = private->__i_mtime.tv_sec * NS_PER_SECOND + private->__i_mtime.tv_nsec;
		to->ctime_ns = private->__i_ctime.tv_sec * NS_PER_SECOND + private->__i_ctime.tv_nsec;
	} else if (bpf_core_field_exists(half->__i_ctime)) {
		to->mtime_ns = half->i_mtime.tv_sec * NS_PER_SECOND + half->i_mtime.tv_nsec;
		to->ctime_ns = half->__i_ctime.tv_sec * NS_PER_SECOND + half->__i_ctime.tv_nsec;
	} else {
		to->mtime_ns = public->i_mtime.tv_sec * NS_PER_SECOND + public->i_mtime.tv_nsec;
		to->ctime_ns = public->i_ctime.tv_sec * NS_PER_SECOND + public->i_ctime.tv_nsec;
	}
}

/* flags is left to the caller's path walk, which adds to what is set here. */
static __always_inline void fill_executable(struct executable_file *to, struct file *file, struct vfsmount *root_mnt)
{
	struct inode *inode = file->f_inode;

	to->inode = inode->i_ino;
	to->device = inode->i_sb->s_dev;
	to->mode = inode->i_mode;
	to->link_count = inode->i_nlink;
	to->filesystem_magic = inode->i_sb->s_magic;
	to->flags = 0;
	fill_times(to, inode);
	if (to->filesystem_magic == OVERLAYFS_SUPER_MAGIC && overlay_upper(inode))
		to->flags |= EXEC_OVERLAY_UPPER;
	if (file->f_path.mnt == root_mnt)
		to->flags |= EXEC_ROOT_MOUNT;
}

#endif
