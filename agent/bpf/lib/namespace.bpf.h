/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_NAMESPACE_BPF_H
#define TALLYMAN_NAMESPACE_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "syscall.bpf.h"
#include "task.bpf.h"

/*
 * unshare(2) and setns(2) have no tracepoint, and a new user namespace asks for no capability. So the namespaces of a
 * process are compared with what its entry says wherever a hook looks at the process anyway: the kernel asks for a
 * capability whenever a program takes memory, forks or executes, and at the latest the process exits.
 */

/* Inode numbers of the initial namespaces, the same on every kernel; those of mount and network are set by user space. */
#define HOST_IPC_NS 0xEFFFFFFFU
#define HOST_UTS_NS 0xEFFFFFFEU
#define HOST_USER_NS 0xEFFFFFFDU
#define HOST_PID_NS 0xEFFFFFFCU
#define HOST_CGROUP_NS 0xEFFFFFFBU
#define HOST_TIME_NS 0xEFFFFFFAU

/*
 * Different whenever the namespaces are: an nsproxy is never changed, only replaced. 0 for a task that has left its
 * namespaces, as the last thing before its end. A difference, because that is all that may be computed from two pointers
 * that the verifier knows as such.
 */
static __always_inline __u64 namespaces_mark(struct task_struct *task)
{
	__u64 nsproxy = (__u64)BPF_CORE_READ(task, nsproxy);
	__u64 user_ns = (__u64)BPF_CORE_READ(task, real_cred, user_ns);

	return nsproxy ? nsproxy - user_ns : 0;
}

/* The same for a task that the verifier knows as such. */
static __always_inline __u64 known_namespaces_mark(struct task_struct *task)
{
	const struct cred *cred = task->real_cred;
	void *nsproxy = task->nsproxy;

	if (!nsproxy || !cred)
		return 0;
	return nsproxy - (void *)cred->user_ns;
}

static __always_inline void fill_namespaces(struct namespace_set *ids, struct task_struct *task)
{
	struct nsproxy *nsproxy = BPF_CORE_READ(task, nsproxy);

	ids->mount = BPF_CORE_READ(nsproxy, mnt_ns, ns.inum);
	ids->pid = BPF_CORE_READ(nsproxy, pid_ns_for_children, ns.inum);
	ids->network = BPF_CORE_READ(nsproxy, net_ns, ns.inum);
	ids->user = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	ids->cgroup = BPF_CORE_READ(nsproxy, cgroup_ns, ns.inum);
	ids->ipc = BPF_CORE_READ(nsproxy, ipc_ns, ns.inum);
	ids->uts = BPF_CORE_READ(nsproxy, uts_ns, ns.inum);
	ids->time = BPF_CORE_READ(nsproxy, time_ns, ns.inum);
}

static __always_inline void compare_namespace(struct namespace_record *record, __u32 bit, __u32 before, __u32 after,
					      __u32 host)
{
	if (before == after)
		return;
	record->changed |= bit;
	if (after == host)
		record->to_host |= bit;
}

static __always_inline void compare_namespaces(struct namespace_record *record)
{
	struct namespace_set *before = &record->before, *after = &record->after;

	record->changed = 0;
	record->to_host = 0;
	compare_namespace(record, CLONE_NEWNS, before->mount, after->mount, host_mount_ns);
	compare_namespace(record, CLONE_NEWPID, before->pid, after->pid, HOST_PID_NS);
	compare_namespace(record, CLONE_NEWNET, before->network, after->network, host_network_ns);
	compare_namespace(record, CLONE_NEWUSER, before->user, after->user, HOST_USER_NS);
	compare_namespace(record, CLONE_NEWCGROUP, before->cgroup, after->cgroup, HOST_CGROUP_NS);
	compare_namespace(record, CLONE_NEWIPC, before->ipc, after->ipc, HOST_IPC_NS);
	compare_namespace(record, CLONE_NEWUTS, before->uts, after->uts, HOST_UTS_NS);
	compare_namespace(record, CLONE_NEWTIME, before->time, after->time, HOST_TIME_NS);
}

/* Compares, sends what is new, and brings the entry up to date. in_clone: the current task is making this one. */
static __always_inline void namespaces_changed(struct task_struct *task, struct process_entry *entry, __u64 mark,
					       bool in_clone)
{
	struct namespace_record record = { .before = entry->namespaces, .syscall = -1 };
	struct repeat_key key = { .type = RECORD_NAMESPACE };
	__u64 arguments[SYSCALL_ARGUMENTS];
	bool is_known = entry->namespaces_mark != 0;
	struct novelty novelty = { .device = entry->executable_device };
	struct pt_regs *regs;
	__u64 cgroup_id;

	fill_namespaces(&record.after, task);
	entry->namespaces = record.after;
	entry->namespaces_mark = mark;
	compare_namespaces(&record);
	/* A mark of 0: adopted by user space, which did not look. */
	if (!is_known || !record.changed)
		return;

	cgroup_id = task_cgroup_id(task);
	key.container_key = container_key_of(cgroup_id);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = record.changed;
	key.fact[1] = record.to_host;
	key.fact[2] = in_clone;
	if (!first_or_due(&key, &record.repeats))
		return;
	if (in_clone) {
		regs = current_registers();
		record.abi = syscall_abi((void *)bpf_get_current_task());
		record.syscall = syscall_number(regs);
		read_syscall(arguments, regs, record.abi, record.syscall);
		record.clone_flags = arguments[0];
	}
	fill_header(&record.header, task, RECORD_NAMESPACE, sizeof(record));
	novelty.fact[0] = entry->executable_inode;
	novelty.fact[1] = (__u64)record.changed << 32 | record.to_host;
	if (!admit_record(RECORD_NAMESPACE, cgroup_id, &novelty) ||
	    !copy_record(&record, RECORD_NAMESPACE, sizeof(record), cgroup_id))
		forget_repeat(&key);
}

/* For a task that acts or exits, and is known to the verifier. */
static __always_inline void check_namespaces(struct task_struct *task, struct process_entry *entry)
{
	__u64 mark = known_namespaces_mark(task);

	if (mark && mark != entry->namespaces_mark)
		namespaces_changed(task, entry, mark, false);
}

/* For the current task, in programs that may not know it as such. */
static __always_inline void check_current_namespaces(struct process_entry *entry)
{
	struct task_struct *task;
	__u64 mark;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		check_namespaces((void *)bpf_get_current_task_btf(), entry);
		return;
	}
	task = (void *)bpf_get_current_task();
	mark = namespaces_mark(task);
	if (mark && mark != entry->namespaces_mark)
		namespaces_changed(task, entry, mark, false);
}

#endif
