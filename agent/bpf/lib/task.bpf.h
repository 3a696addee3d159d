/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_TASK_BPF_H
#define TALLYMAN_TASK_BPF_H

#include "maps.bpf.h"

static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/* The process' start: a thread's own start would not identify the process. */
static __always_inline __u64 task_start_ktime_ns(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* pid of the task's process in its own pid namespace. */
static __always_inline __u32 task_container_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	/* PID namespaces nest 32 deep at most (MAX_PID_NS_LEVEL). */
	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&upid.nr, sizeof(upid.nr),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return upid.nr;
}

/* The entry of the task's process, if it is past the runtime's set-up; NULL for the host and for runc itself. */
static __always_inline struct process_entry *task_process_entry(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	return bpf_map_lookup_elem(&processes, &tgid);
}

/* The entry of the current process, without the reads of task_process_entry. */
static __always_inline struct process_entry *current_process_entry(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&processes, &tgid);
}

/*
 * True for tasks outside the host's mount namespace whose cgroup is watched or not yet judged. Unjudged cgroups pass so
 * that nothing is lost between a container's birth and user space's verdict; user space drops what is no container. A
 * process of a container stays one when it goes into the host's mount namespace. Never true for the agent and its children.
 */
static __always_inline bool is_candidate(__u32 mount_ns, __u64 cgroup_id, __u32 tgid)
{
	struct cgroup_entry *entry;

	if (mount_ns == 0 || cgroup_id == own_cgroup_id)
		return false;
	if (mount_ns == host_mount_ns && !bpf_map_lookup_elem(&processes, &tgid))
		return false;
	entry = bpf_map_lookup_elem(&cgroups, &cgroup_id);
	return !entry || entry->verdict != CGROUP_IGNORE;
}

static __always_inline bool task_is_candidate(struct task_struct *task)
{
	return is_candidate(BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum), task_cgroup_id(task),
			    BPF_CORE_READ(task, tgid));
}

static __always_inline void fill_header(struct record_header *header, struct task_struct *task, __u32 type, __u32 size)
{
	header->type = type;
	header->size = size;
	header->ktime_ns = bpf_ktime_get_boot_ns();
	header->cgroup_id = task_cgroup_id(task);
	header->start_ktime_ns = task_start_ktime_ns(task);
	header->pid = BPF_CORE_READ(task, tgid);
	header->tid = BPF_CORE_READ(task, pid);
	BPF_CORE_READ_INTO(&header->comm, task, comm);
}

#endif
