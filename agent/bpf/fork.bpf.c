// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/emit.bpf.h"
#include "lib/known-task.bpf.h"
#include "lib/namespace.bpf.h"

/*
 * Children of a container's processes are its processes before they execute anything. They start with the namespaces of
 * the parent, unless clone gives them others.
 */
static __always_inline void inherit_entry(struct process_entry *parent, __u32 child_pid, __u64 child_start_ktime_ns,
					  __u64 cgroup_id)
{
	struct process_entry entry = *parent;

	entry.start_ktime_ns = child_start_ktime_ns;
	entry.flags = 0;
	if (bpf_map_update_elem(&processes, &child_pid, &entry, BPF_ANY))
		lose_knowledge(RECORD_FORK, LOSS_TABLE_FULL, cgroup_id);
}

static __always_inline void note_untold(__u32 pid)
{
	struct process_entry *entry = bpf_map_lookup_elem(&processes, &pid);

	if (entry)
		entry->flags |= PROCESS_UNTOLD;
}

/* What clone gave the child of its own. */
static __always_inline void check_child_namespaces(struct task_struct *child, __u32 child_pid)
{
	struct process_entry *entry = bpf_map_lookup_elem(&processes, &child_pid);
	__u64 mark = namespaces_mark(child);

	if (entry && mark && mark != entry->namespaces_mark)
		namespaces_changed(child, entry, mark, true);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_entry *entry = known_task_process_entry(parent);
	struct fork_record *record;
	__u32 child_pid;
	__u64 child_start_ktime_ns, cgroup_id;

	if (!entry)
		return 0;
	child_pid = child->tgid;
	/* A new thread is no new process. */
	if (child_pid != child->pid)
		return 0;
	child_start_ktime_ns = child->start_boottime;
	cgroup_id = known_task_cgroup_id(parent);
	check_namespaces(parent, entry);
	inherit_entry(entry, child_pid, child_start_ktime_ns, cgroup_id);
	record = reserve_record(RECORD_FORK, sizeof(*record), cgroup_id);
	if (!record) {
		note_untold(child_pid);
		return 0;
	}
	fill_known_header(&record->header, parent, RECORD_FORK, sizeof(*record));
	record->child_start_ktime_ns = child_start_ktime_ns;
	record->child_pid = child_pid;
	record->child_container_pid = known_task_container_pid(child);
	submit_record(record, RECORD_FORK);
	check_child_namespaces(child, child_pid);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
