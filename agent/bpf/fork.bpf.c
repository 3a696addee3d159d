// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/emit.bpf.h"
#include "lib/task.bpf.h"

/* Children of a container's processes are its processes before they execute anything. */
static __always_inline void inherit_entry(struct process_entry *parent, __u32 child_pid, __u64 child_start_ktime_ns)
{
	struct process_entry entry = *parent;

	entry.start_ktime_ns = child_start_ktime_ns;
	if (bpf_map_update_elem(&processes, &child_pid, &entry, BPF_ANY))
		count_lost(RECORD_FORK, LOSS_TABLE_FULL);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_entry *entry = task_process_entry(parent);
	struct fork_record *record;
	__u32 child_pid;
	__u64 child_start_ktime_ns;

	if (!entry)
		return 0;
	child_pid = BPF_CORE_READ(child, tgid);
	/* A new thread is no new process. */
	if (child_pid != BPF_CORE_READ(child, pid))
		return 0;
	child_start_ktime_ns = BPF_CORE_READ(child, start_boottime);
	inherit_entry(entry, child_pid, child_start_ktime_ns);

	record = reserve_record(RECORD_FORK, sizeof(*record));
	if (!record)
		return 0;
	fill_header(&record->header, parent, RECORD_FORK, sizeof(*record));
	record->child_start_ktime_ns = child_start_ktime_ns;
	record->child_pid = child_pid;
	record->child_container_pid = task_container_pid(child);
	submit_record(record, RECORD_FORK);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
