// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/exec-strings.bpf.h"
#include "lib/executable.bpf.h"

/* What user space may not have seen of the container before: this program, by file and by the name it goes by. */
static __always_inline struct novelty novelty_of(const struct exec_record *record)
{
	struct novelty novelty = { .device = record->file.device };

	novelty.fact[0] = record->file.inode;
	/* The runtime's doing, and none of the container's: new each time. */
	if (record->flags & EXEC_FROM_OUTSIDE)
		novelty.fact[1] = record->header.ktime_ns;
	__builtin_memcpy(novelty.comm, record->header.comm, sizeof(novelty.comm));
	return novelty;
}

/*
 * Enters the process in the table; its absence there before means that the runtime put it into the container. Until the
 * record is sent, user space knows as much of the process as before.
 */
static __always_inline void note_process(struct exec_record *record, struct task_struct *task)
{
	struct process_entry entry = {
		.start_ktime_ns = record->header.start_ktime_ns,
		.container_key = container_key_of(record->header.cgroup_id),
		.executable_inode = record->file.inode,
		.executable_device = record->file.device,
	};
	struct process_entry *known = bpf_map_lookup_elem(&processes, &record->header.pid);

	/* A start of 0: adopted by user space, which knows it only to the clock tick. */
	if (!known || (known->start_ktime_ns && known->start_ktime_ns != entry.start_ktime_ns)) {
		record->flags |= EXEC_FROM_OUTSIDE;
		entry.flags = PROCESS_UNTOLD;
		entry.namespaces_mark = namespaces_mark(task);
		fill_namespaces(&entry.namespaces, task);
	} else {
		entry.flags = known->flags;
		/* Compared when the program is looked at next: at once, for its memory. */
		entry.namespaces_mark = known->namespaces_mark;
		entry.namespaces = known->namespaces;
	}
	if (bpf_map_update_elem(&processes, &record->header.pid, &entry, BPF_ANY))
		lose_knowledge(RECORD_EXEC, LOSS_TABLE_FULL, record->header.cgroup_id);
}

static __always_inline void note_told(__u32 pid)
{
	struct process_entry *entry = bpf_map_lookup_elem(&processes, &pid);

	if (entry)
		entry->flags &= ~PROCESS_UNTOLD;
}

/* What is worth its time only once the record is admitted. */
static __always_inline void fill_record(struct exec_scratch *scratch, struct task_struct *task, struct linux_binprm *bprm)
{
	struct exec_record *record = &scratch->record;
	const struct cred *cred = task->cred;

	fill_identity(record, task);
	if (cred) {
		copy_privileges(&record->privileges, cred);
		record->namespaces.user = cred->user_ns->ns.inum;
		record->user_level = cred->user_ns->level;
	}
	fill_tty(record, task);
	if (BPF_CORE_READ_BITFIELD(bprm, secureexec))
		record->flags |= EXEC_SECURE;
	fill_strings(scratch, task, bprm);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 zero = 0;
	struct exec_scratch *scratch;
	struct exec_record *record;
	struct novelty novelty;
	__u64 size, cgroup_id;

	if (!known_task_is_candidate(task) && !known_task_left_container(task))
		return 0;
	if (!known_task_process_entry(task) && known_task_is_hook(task))
		return 0;
	scratch = bpf_map_lookup_elem(&exec_scratches, &zero);
	if (!scratch)
		return 0;
	record = &scratch->record;
	fill_known_header(&record->header, task, RECORD_EXEC, 0);
	record->flags = take_former_privileges(record->header.pid, record->header.start_ktime_ns,
					       record->header.ktime_ns, &record->privileges_before);
	record->former_tid = old_pid;
	fill_executable(&record->file, bprm->file, task->fs->root.mnt);
	note_process(record, task);
	cgroup_id = record->header.cgroup_id;
	novelty = novelty_of(record);
	if (!admit_record(RECORD_EXEC, cgroup_id, &novelty))
		return 0;
	fill_record(scratch, task, bprm);
	size = scratch->offset + sizeof(*record);
	record->header.size = size;
	asm volatile("" : "+r"(size));
	if (size > sizeof(*record) + RECORD_STRINGS_BYTES) {
		lose_record(RECORD_EXEC, LOSS_OVERSIZE, cgroup_id);
		return 0;
	}
	if (copy_record(record, RECORD_EXEC, size, cgroup_id))
		note_told(record->header.pid);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
