/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_KNOWN_TASK_BPF_H
#define TALLYMAN_KNOWN_TASK_BPF_H

#include "task.bpf.h"

/*
 * For tasks that the verifier knows as such: the arguments of tp_btf and fentry programs. Their fields are plain loads,
 * where lib/task.bpf.h has to call a helper for every pointer on the way. Pointers that the kernel marks as __rcu have to
 * be compared with NULL before they are followed, unless the verifier knows that they never are.
 */
static __always_inline __u64 known_task_cgroup_id(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp->kn->id;
}

static __always_inline __u64 known_task_start_ktime_ns(struct task_struct *task)
{
	return task->group_leader->start_boottime;
}

/* pid of the task's process in its own pid namespace. */
static __always_inline __u32 known_task_container_pid(struct task_struct *task)
{
	struct pid *pid = task->group_leader->thread_pid;
	unsigned int level;
	__u32 nr = 0;

	if (!pid)
		return 0;
	level = pid->level;
	/* PID namespaces nest 32 deep at most (MAX_PID_NS_LEVEL). */
	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return nr;
}

static __always_inline bool known_task_is_candidate(struct task_struct *task)
{
	return is_candidate(task->nsproxy->mnt_ns->ns.inum, known_task_cgroup_id(task), task->tgid);
}

static __always_inline struct process_entry *known_task_process_entry(struct task_struct *task)
{
	__u32 tgid = task->tgid;

	return bpf_map_lookup_elem(&processes, &tgid);
}

/*
 * The runtime before it becomes a container's first program: pid 1 of a pid namespace right below the host's, which nothing
 * inside a container can make, that has executed nothing since it was forked.
 */
static __always_inline bool known_task_is_runtime(struct task_struct *task)
{
	struct pid *pid = task->group_leader->thread_pid;

	return (task->flags & PF_FORKNOEXEC) && pid && pid->level == 1 && known_task_container_pid(task) == 1 &&
	       !known_task_process_entry(task);
}

/* How many generations of a hook's processes are told from the container's. */
#define HOOK_GENERATIONS 4

/* Started by the runtime, directly or not, while it sets the container up: an OCI hook that runs in its namespaces. */
static __always_inline bool known_task_is_hook(struct task_struct *task)
{
	struct task_struct *ancestor = task->real_parent;

	for (int i = 0; i < HOOK_GENERATIONS; i++) {
		if (!ancestor || known_task_process_entry(ancestor))
			return false;
		if (known_task_is_runtime(ancestor))
			return true;
		ancestor = ancestor->real_parent;
	}
	return false;
}

/* A process of a container that has entered the host's mount namespace: what it executes there is still the container's. */
static __always_inline bool known_task_left_container(struct task_struct *task)
{
	return task->nsproxy->mnt_ns->ns.inum == host_mount_ns && known_task_process_entry(task);
}

static __always_inline void fill_known_header(struct record_header *header, struct task_struct *task, __u32 type,
					      __u32 size)
{
	const __u64 *comm = (const __u64 *)task->comm;

	header->type = type;
	header->size = size;
	header->ktime_ns = bpf_ktime_get_boot_ns();
	header->cgroup_id = known_task_cgroup_id(task);
	header->start_ktime_ns = known_task_start_ktime_ns(task);
	header->pid = task->tgid;
	header->tid = task->pid;
	((__u64 *)header->comm)[0] = comm[0];
	((__u64 *)header->comm)[1] = comm[1];
}

#endif
