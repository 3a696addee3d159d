/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EXEC_BPF_H
#define TALLYMAN_EXEC_BPF_H

#include "emit.bpf.h"
#include "known-task.bpf.h"
#include "namespace.bpf.h"
#include "privileges.bpf.h"

/* The longest part of the strings. */
#define EXEC_ARGV_BYTES 3072

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

static __always_inline void fill_identity(struct exec_record *record, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;
	struct pid *session = task->signal->pids[SESSION_PID_TYPE];

	record->parent_pid = parent ? parent->tgid : 0;
	record->parent_start_ktime_ns = parent ? known_task_start_ktime_ns(parent) : 0;
	record->exec_id = task->self_exec_id;
	record->container_pid = known_task_container_pid(task);
	record->session_id = session ? session->numbers[0].nr : 0;
	record->login_uid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : -1;
	record->namespaces.mount = task->nsproxy->mnt_ns->ns.inum;
	record->namespaces.pid = task->nsproxy->pid_ns_for_children->ns.inum;
	record->namespaces.network = task->nsproxy->net_ns->ns.inum;
}

/* The terminal's name, where there is one; the bytes behind its NUL are zero. */
static __always_inline void fill_tty(struct exec_record *record, struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;

	__builtin_memset(record->tty, 0, sizeof(record->tty));
	if (!tty)
		return;
	record->flags |= EXEC_HAS_TTY;
	BPF_CORE_READ_STR_INTO(&record->tty, tty, name);
}

#endif
