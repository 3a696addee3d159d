/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EXEC_BPF_H
#define TALLYMAN_EXEC_BPF_H

#include "emit.bpf.h"
#include "path.bpf.h"
#include "task.bpf.h"

#define STRINGS_MASK (RECORD_STRINGS_BYTES - 1)
#define EXEC_PATH_BYTES 2048
#define EXEC_FILENAME_BYTES 512
#define EXEC_ARGV_BYTES 3072
#define EXEC_CWD_BYTES 1024

/* One record under construction per CPU. The slack lets the verifier accept a masked offset plus the longest read. */
struct exec_scratch {
	/* Bytes of strings written so far. */
	__u32 offset;
	__u32 reserved;
	struct exec_record record;
	__u8 strings[RECORD_STRINGS_BYTES];
	__u8 slack[EXEC_ARGV_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratches SEC(".maps");

static __always_inline void fill_credentials(struct exec_record *record, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	record->credentials.uid = BPF_CORE_READ(cred, uid.val);
	record->credentials.gid = BPF_CORE_READ(cred, gid.val);
	record->credentials.euid = BPF_CORE_READ(cred, euid.val);
	record->credentials.egid = BPF_CORE_READ(cred, egid.val);
	record->credentials.suid = BPF_CORE_READ(cred, suid.val);
	record->credentials.sgid = BPF_CORE_READ(cred, sgid.val);
	/* kernel_cap_t was an array of two __u32 before 6.3: the same eight bytes on little-endian machines. */
	BPF_CORE_READ_INTO(&record->capabilities.effective, cred, cap_effective);
	BPF_CORE_READ_INTO(&record->capabilities.permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&record->capabilities.inheritable, cred, cap_inheritable);
	BPF_CORE_READ_INTO(&record->capabilities.bounding, cred, cap_bset);
	BPF_CORE_READ_INTO(&record->capabilities.ambient, cred, cap_ambient);
	record->user_ns = BPF_CORE_READ(cred, user_ns, ns.inum);
}

static __always_inline void fill_identity(struct exec_record *record, struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	record->parent_pid = BPF_CORE_READ(parent, tgid);
	record->parent_start_ktime_ns = task_start_ktime_ns(parent);
	record->container_pid = task_container_pid(task);
	record->mount_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	record->pid_ns = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	record->network_ns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
}

/* Whether the file's inode has an upper dentry; struct ovl_inode keeps it right behind the VFS inode. */
static __always_inline bool overlay_upper(struct inode *inode)
{
	void *upper = NULL;

	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

static __always_inline void fill_executable(struct exec_record *record, struct file *file, struct vfsmount *root_mnt)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	record->inode = BPF_CORE_READ(inode, i_ino);
	record->device = BPF_CORE_READ(inode, i_sb, s_dev);
	record->mode = BPF_CORE_READ(inode, i_mode);
	record->link_count = BPF_CORE_READ(inode, i_nlink);
	record->filesystem_magic = BPF_CORE_READ(inode, i_sb, s_magic);
	if (record->filesystem_magic == OVERLAYFS_SUPER_MAGIC && overlay_upper(inode))
		record->flags |= EXEC_OVERLAY_UPPER;
	if (BPF_CORE_READ(file, f_path.mnt) == root_mnt)
		record->flags |= EXEC_ROOT_MOUNT;
}

static __always_inline void fill_stdio(struct stdio_socket *stdio, struct file *file)
{
	__u16 mode = BPF_CORE_READ(file, f_inode, i_mode);
	struct socket *socket;
	struct sock *sk;

	stdio->is_socket = (mode & S_IFMT) == S_IFSOCK;
	if (!stdio->is_socket)
		return;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	stdio->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (stdio->family == AF_INET)
		BPF_CORE_READ_INTO((__u32 *)stdio->peer_address, sk, __sk_common.skc_daddr);
	else if (stdio->family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)stdio->peer_address, sk, __sk_common.skc_v6_daddr);
	else
		return;
	stdio->peer_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
}

static __always_inline void fill_stdio_sockets(struct exec_record *record, struct task_struct *task)
{
	struct file **descriptors = BPF_CORE_READ(task, files, fdt, fd);

	for (int i = 0; i < 3; i++) {
		struct file *file = NULL;

		__builtin_memset(&record->stdio[i], 0, sizeof(record->stdio[i]));
		bpf_probe_read_kernel(&file, sizeof(file), &descriptors[i]);
		if (file)
			fill_stdio(&record->stdio[i], file);
	}
}

static __always_inline __u32 append_argv(struct exec_record *record, __u8 *strings, __u32 offset,
					 struct task_struct *task)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long length = BPF_CORE_READ(task, mm, arg_end) - start;
	__u32 wanted = length;

	if (length > EXEC_ARGV_BYTES - 1) {
		wanted = EXEC_ARGV_BYTES - 1;
		record->flags |= EXEC_ARGV_TRUNCATED;
	}
	asm volatile("" : "+r"(offset), "+r"(wanted));
	if (wanted > EXEC_ARGV_BYTES - 1)
		return 0;
	if (bpf_probe_read_user(&strings[offset & STRINGS_MASK], wanted, (void *)start)) {
		record->flags |= EXEC_ARGV_TRUNCATED;
		return 0;
	}
	return wanted;
}

#endif
