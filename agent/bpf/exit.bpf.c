// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/emit.bpf.h"
#include "lib/known-task.bpf.h"
#include "lib/namespace.bpf.h"

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct process_entry *entry = known_task_process_entry(task);
	struct exit_record *record;
	bool untold;
	__u32 pid;

	/* The process ends with its last thread; the leader may be gone long before. */
	if (!entry || signal->live.counter != 0)
		return 0;
	check_namespaces(task, entry);
	untold = entry->flags & PROCESS_UNTOLD;
	pid = task->tgid;
	/* Of threads that end at the same time, each may be the last one: who deletes it, tells it. */
	if (bpf_map_delete_elem(&processes, &pid) || untold)
		return 0;

	record = reserve_record(RECORD_EXIT, sizeof(*record), known_task_cgroup_id(task));
	if (!record)
		return 0;
	fill_known_header(&record->header, task, RECORD_EXIT, sizeof(*record));
	if (signal->flags & SIGNAL_GROUP_EXIT)
		record->status = signal->group_exit_code;
	else
		record->status = task->exit_code;
	record->reserved = 0;
	submit_record(record, RECORD_EXIT);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
