/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_SAMPLE_BPF_H
#define TALLYMAN_SAMPLE_BPF_H

#include "task.bpf.h"

/* What goes into the fingerprint: everything behind the name, in words. */
#define SAMPLED_HEAD_BYTES __builtin_offsetof(struct sampled_task, cgroup_id)
#define SAMPLED_STATE_WORDS ((sizeof(struct sampled_task) - SAMPLED_HEAD_BYTES) / sizeof(__u64))

/* FNV-1a by words, with the upper half folded in: every bit of a word reaches the lower half too. */
static __always_inline __u64 sampled_fingerprint(const struct sampled_task *sample)
{
	const __u64 *words = (const void *)sample + SAMPLED_HEAD_BYTES;
	__u64 hash = 0xcbf29ce484222325ULL;

	for (unsigned int i = 0; i < SAMPLED_STATE_WORDS; i++) {
		hash = (hash ^ words[i]) * 0x100000001b3ULL;
		hash ^= hash >> 32;
	}
	return hash;
}

/*
 * The task's own credentials, not those it may have borrowed for the moment (overlayfs, faccessat, io_uring): the kernel
 * keeps these in real_cred.
 */
static __always_inline void sample_credentials(struct sampled_task *sample, const struct cred *cred)
{
	sample->credentials.uid = BPF_CORE_READ(cred, uid.val);
	sample->credentials.gid = BPF_CORE_READ(cred, gid.val);
	sample->credentials.euid = BPF_CORE_READ(cred, euid.val);
	sample->credentials.egid = BPF_CORE_READ(cred, egid.val);
	sample->credentials.suid = BPF_CORE_READ(cred, suid.val);
	sample->credentials.sgid = BPF_CORE_READ(cred, sgid.val);
	/* kernel_cap_t was an array of two __u32 before 6.3: the same eight bytes on little-endian machines. */
	BPF_CORE_READ_INTO(&sample->capabilities.effective, cred, cap_effective);
	BPF_CORE_READ_INTO(&sample->capabilities.permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&sample->capabilities.inheritable, cred, cap_inheritable);
	BPF_CORE_READ_INTO(&sample->capabilities.bounding, cred, cap_bset);
	BPF_CORE_READ_INTO(&sample->capabilities.ambient, cred, cap_ambient);
	sample->secure_bits = BPF_CORE_READ(cred, securebits);
	sample->namespaces.user = BPF_CORE_READ(cred, user_ns, ns.inum);
	sample->namespaces.user_level = BPF_CORE_READ(cred, user_ns, level);
}

static __always_inline void sample_namespaces(struct sampled_task *sample, struct nsproxy *nsproxy)
{
	sample->namespaces.mount = BPF_CORE_READ(nsproxy, mnt_ns, ns.inum);
	sample->namespaces.pid = BPF_CORE_READ(nsproxy, pid_ns_for_children, ns.inum);
	sample->namespaces.network = BPF_CORE_READ(nsproxy, net_ns, ns.inum);
	sample->namespaces.cgroup = BPF_CORE_READ(nsproxy, cgroup_ns, ns.inum);
	sample->namespaces.uts = BPF_CORE_READ(nsproxy, uts_ns, ns.inum);
	sample->namespaces.ipc = BPF_CORE_READ(nsproxy, ipc_ns, ns.inum);
}

static __always_inline void sample_family(struct sampled_task *sample, struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, group_leader, real_parent);
	struct task_struct *tracer;

	sample->parent_pid = BPF_CORE_READ(parent, tgid);
	sample->parent_start_ktime_ns = task_start_ktime_ns(parent);
	sample->parent_cgroup_id = task_cgroup_id(parent);
	sample->container_pid = task_container_pid(task);
	sample->ptrace_flags = BPF_CORE_READ(task, ptrace);
	sample->tracer_pid = 0;
	sample->tracer_start_ktime_ns = 0;
	sample->tracer_cgroup_id = 0;
	if (!(sample->ptrace_flags & PT_PTRACED))
		return;
	/* While a task is traced, its parent is the tracer; the real one is kept aside. */
	tracer = BPF_CORE_READ(task, parent);
	sample->tracer_pid = BPF_CORE_READ(tracer, tgid);
	sample->tracer_start_ktime_ns = task_start_ktime_ns(tracer);
	sample->tracer_cgroup_id = task_cgroup_id(tracer);
}

/* As the kernel says it in /proc/<pid>/exe: the name is gone, though other links may be left. */
static __always_inline bool file_is_unlinked(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	if (BPF_CORE_READ(file, f_inode, i_nlink) == 0)
		return true;
	return BPF_CORE_READ(dentry, d_hash.pprev) == NULL && BPF_CORE_READ(dentry, d_parent) != dentry;
}

static __always_inline void sample_executable(struct sampled_task *sample, struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);

	sample->executable_inode = BPF_CORE_READ(file, f_inode, i_ino);
	sample->executable_device = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	if (file && file_is_unlinked(file))
		sample->flags |= SAMPLED_EXECUTABLE_UNLINKED;
}

static __always_inline void sample_stdio(struct sampled_task *sample, struct task_struct *task)
{
	struct file **descriptors = BPF_CORE_READ(task, files, fdt, fd);

	for (int i = 0; i < 3; i++) {
		struct file *file = NULL;

		bpf_probe_read_kernel(&file, sizeof(file), &descriptors[i]);
		if (file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK)
			sample->flags |= SAMPLED_STDIN_SOCKET << i;
	}
}

#endif
