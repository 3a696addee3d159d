/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_CAPABILITY_BPF_H
#define TALLYMAN_CAPABILITY_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "syscall.bpf.h"
#include "task.bpf.h"

/* (capability << 16 | syscall) pairs that say nothing about what a program meant to do; filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u8);
} capability_noise __weak SEC(".maps");

/*
 * What cap_capable() decides, for the hooks that only see its arguments: the capability is effective in the target
 * namespace, or the task owns that namespace from its parent.
 */
static __always_inline bool capability_granted(const struct cred *cred, struct user_namespace *target, int capability)
{
	struct user_namespace *own = BPF_CORE_READ(cred, user_ns);
	int own_level = BPF_CORE_READ(own, level);
	__u64 effective = 0;

	BPF_CORE_READ_INTO(&effective, cred, cap_effective);
	/* User namespaces nest 32 deep at most. */
	for (int i = 0; i < 33; i++) {
		if (target == own)
			return effective >> (capability & 63) & 1;
		if (BPF_CORE_READ(target, level) <= own_level)
			return false;
		if (BPF_CORE_READ(target, parent) == own &&
		    BPF_CORE_READ(target, owner.val) == BPF_CORE_READ(cred, euid.val))
			return true;
		target = BPF_CORE_READ(target, parent);
	}
	return false;
}

/* The same number on every architecture. */
#define SYSCALL_IO_URING_ENTER 426

/*
 * True when the kernel works for the task with somebody else's credentials, as overlayfs does with those of whoever mounted
 * it: what they may is no capability of the program. io_uring is not excused, where a program borrows them on purpose,
 * in its own syscall or in the threads that the kernel makes for it.
 */
static __always_inline bool has_borrowed_credentials(struct task_struct *task, const struct cred *cred, __s32 syscall)
{
	return cred != BPF_CORE_READ(task, real_cred) && cred == BPF_CORE_READ(task, cred) &&
	       syscall != SYSCALL_IO_URING_ENTER && !(BPF_CORE_READ(task, flags) & PF_IO_WORKER);
}

/* granted < 0: work it out. */
static __always_inline int capability_checked(const struct cred *cred, struct user_namespace *target, int capability,
					      int granted)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct process_entry *entry = task_process_entry(task);
	struct repeat_key key = { .type = RECORD_CAPABILITY };
	struct capability_record *record;
	struct novelty novelty = {};
	__u32 pair, count;
	__u64 cgroup_id;
	__s32 syscall;

	if (!entry)
		return 0;
	syscall = current_syscall();
	pair = (__u32)capability << 16 | (syscall & 0xffff);
	if (has_borrowed_credentials(task, cred, syscall) || bpf_map_lookup_elem(&capability_noise, &pair))
		return 0;
	if (granted < 0)
		granted = capability_granted(cred, target, capability);

	cgroup_id = task_cgroup_id(task);
	key.container_key = container_key_of(cgroup_id);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = capability;
	key.fact[1] = syscall;
	key.fact[2] = granted;
	if (!first_or_due(&key, &count))
		return 0;

	novelty.fact[0] = pair;
	novelty.fact[1] = granted;
	record = reserve_new_record(RECORD_CAPABILITY, sizeof(*record), cgroup_id, &novelty);
	if (!record)
		return 0;
	fill_header(&record->header, task, RECORD_CAPABILITY, sizeof(*record));
	record->capability = capability;
	record->syscall = syscall;
	record->granted = granted;
	record->repeats = count;
	submit_record(record, RECORD_CAPABILITY);
	return 0;
}

#endif
