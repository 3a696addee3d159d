// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/emit.bpf.h"
#include "lib/task.bpf.h"

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct exit_record *record;
	__u32 pid;

	/* The process ends with its last thread; the leader may be gone long before. */
	if (BPF_CORE_READ(signal, live.counter) != 0)
		return 0;
	pid = BPF_CORE_READ(task, tgid);
	if (bpf_map_delete_elem(&processes, &pid))
		return 0;

	record = reserve_record(RECORD_EXIT, sizeof(*record));
	if (!record)
		return 0;
	fill_header(&record->header, task, RECORD_EXIT, sizeof(*record));
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		record->status = BPF_CORE_READ(signal, group_exit_code);
	else
		record->status = BPF_CORE_READ(task, exit_code);
	record->reserved = 0;
	submit_record(record, RECORD_EXIT);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
