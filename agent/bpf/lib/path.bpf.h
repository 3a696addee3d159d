/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_PATH_BPF_H
#define TALLYMAN_PATH_BPF_H

#include "kernel.bpf.h"

#define PATH_MAX_COMPONENTS 48
#define PATH_COMPONENT_BYTES 256

enum path_end {
	PATH_COMPLETE,
	PATH_TRUNCATED,
	/* It hangs on no directory: memfd, pipe, or a file outside the task's root. */
	PATH_DISCONNECTED,
};

/* What a walk needs of a dentry; the kernel keeps the two next to each other, so that one read gets both. */
struct dentry_link {
	struct dentry *parent;
	/* Hash and length, in between. */
	__u64 reserved;
	const unsigned char *name;
};

struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *root_dentry;
	struct vfsmount *root_mnt;
};

/* Steps from a mount's root to the place it is mounted on; false at the top of the mount tree. */
static __always_inline bool cross_mount(struct path_walk *walk)
{
	struct mount *mount = (void *)walk->mnt - bpf_core_field_offset(struct mount, mnt);
	struct mount *parent = BPF_CORE_READ(mount, mnt_parent);

	if (mount == parent || !parent)
		return false;
	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
	return true;
}

static __always_inline void read_link(struct dentry_link *link, struct dentry *dentry)
{
	if (bpf_core_field_offset(dentry->d_name.name) ==
	    bpf_core_field_offset(dentry->d_parent) + __builtin_offsetof(struct dentry_link, name)) {
		bpf_probe_read_kernel(link, sizeof(*link), (void *)dentry + bpf_core_field_offset(dentry->d_parent));
		return;
	}
	link->parent = BPF_CORE_READ(dentry, d_parent);
	link->name = BPF_CORE_READ(dentry, d_name.name);
}

/*
 * Appends the components of a path, leaf first and each ended by NUL, to buffer at *offset (a multiple-of-two size minus
 * one in mask; the buffer has PATH_COMPONENT_BYTES behind it). limit bounds how many bytes the path may take. *offset
 * must live in a map: what the verifier reads back from there is an unknown number, so that it sees the rounds of the
 * loop as alike and does not follow every combination of component lengths.
 */
static __always_inline enum path_end append_path(__u8 *buffer, __u32 mask, volatile __u32 *offset, __u32 limit,
						 struct path_walk walk)
{
	__u32 end = *offset + limit;
	struct vfsmount *first_mount = walk.mnt;
	struct dentry *mount_root = BPF_CORE_READ(first_mount, mnt_root);

	for (int i = 0; i < PATH_MAX_COMPONENTS; i++) {
		/* Copies, because BPF_CORE_READ would relocate an access to this struct of our own as well. */
		struct dentry *dentry = walk.dentry;
		struct vfsmount *mnt = walk.mnt;
		struct dentry_link link = {};
		__u32 at;
		long length;

		if (dentry == walk.root_dentry && mnt == walk.root_mnt)
			return PATH_COMPLETE;
		if (dentry == mount_root) {
			if (cross_mount(&walk)) {
				mnt = walk.mnt;
				mount_root = BPF_CORE_READ(mnt, mnt_root);
				continue;
			}
			/* A memfd is the root of its own hidden mount: its name is worth having. */
			if (i > 0)
				return PATH_DISCONNECTED;
		}
		read_link(&link, dentry);
		at = *offset;
		if (at + PATH_COMPONENT_BYTES > end)
			return PATH_TRUNCATED;
		/* Keep the compiler from proving the mask away: the verifier needs to see it. */
		asm volatile("" : "+r"(at));
		length = bpf_probe_read_kernel_str(&buffer[at & mask], PATH_COMPONENT_BYTES, link.name);
		if (length <= 0)
			return PATH_TRUNCATED;
		*offset = at + length;
		if (link.parent == dentry)
			return PATH_DISCONNECTED;
		walk.dentry = link.parent;
	}
	return PATH_TRUNCATED;
}

#endif
