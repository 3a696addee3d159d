/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_CAPABILITY_BPF_H
#define TALLYMAN_CAPABILITY_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "namespace.bpf.h"
#include "syscall.bpf.h"
#include "task.bpf.h"

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

/* How target stands to own, the user namespace of the task. They nest 32 deep at most. */
static __always_inline __u32 user_ns_relation(struct user_namespace *own, struct user_namespace *target)
{
	int own_level, target_level;
	struct user_namespace *inner, *outer;

	if (own == target)
		return USER_NS_OWN;
	own_level = BPF_CORE_READ(own, level);
	target_level = BPF_CORE_READ(target, level);
	inner = own_level > target_level ? own : target;
	outer = own_level > target_level ? target : own;
	for (int i = 0; i < 33; i++) {
		if (inner == outer)
			return own_level > target_level ? USER_NS_ANCESTOR : USER_NS_DESCENDANT;
		inner = BPF_CORE_READ(inner, parent);
		if (!inner)
			break;
	}
	return USER_NS_UNRELATED;
}

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

/* Whether the task's open file lies in memory: each page that is written to it is accounted for. */
static __always_inline bool is_memory_file(struct task_struct *task, __u32 fd)
{
	struct file **descriptors = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = NULL;
	__u64 magic;

	bpf_probe_read_kernel(&file, sizeof(file), &descriptors[fd]);
	magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	return magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC;
}

static __always_inline __u64 argument_of(const __u64 *arguments, __u32 index)
{
	switch (index) {
	case 0:
		return arguments[0];
	case 1:
		return arguments[1];
	case 2:
		return arguments[2];
	case 3:
		return arguments[3];
	default:
		return arguments[4];
	}
}

/* A check, and the syscall that it was made in. BPF_CORE_READ takes copies of its pointers: it would relocate this too. */
struct capability_question {
	const struct cred *cred;
	struct user_namespace *target;
	struct pt_regs *regs;
	struct syscall_traits *traits;
	int capability;
	int granted;
	__s32 syscall;
	__u32 abi;
};

/* Memory accounting asks whether the reserve kept for root may be used, always of the initial user namespace. */
static __always_inline bool is_memory_accounting(struct task_struct *task, const struct capability_question *question)
{
	struct user_namespace *target = question->target;
	const struct cred *cred = question->cred;
	__u64 arguments[SYSCALL_ARGUMENTS];

	if (question->capability != CAP_SYS_ADMIN || BPF_CORE_READ(target, level) != 0)
		return false;
	/* A page fault: nothing else asks for it outside of a syscall. */
	if (question->syscall < 0)
		return true;
	if (!question->traits)
		return false;
	if (question->traits->memory_file_argument) {
		read_arguments(arguments, question->regs, question->abi);
		return is_memory_file(task, argument_of(arguments, question->traits->memory_file_argument - 1));
	}
	if (question->traits->new_namespaces) {
		/* Asked of the initial user namespace by a task in another one, it is not about the new namespaces. */
		if (BPF_CORE_READ(cred, user_ns, level) != 0)
			return true;
		read_syscall(arguments, question->regs, question->abi, question->syscall);
		return !(arguments[0] & CLONE_NEW_ALL) || (arguments[0] & CLONE_NEWUSER);
	}
	return false;
}

/* What says nothing whoever asks, told before anything is found out that costs more. */
static __always_inline bool is_noise(struct task_struct *task, const struct capability_question *question)
{
	__u64 noise = question->traits ? question->traits->noise : 0;

	return (noise >> (question->capability & 63) & 1) || is_memory_accounting(task, question) ||
	       has_borrowed_credentials(task, question->cred, question->syscall);
}

static __always_inline bool is_refusal_noise(const struct capability_question *question)
{
	__u64 noise = question->traits ? question->traits->noise_if_denied : 0;

	return !question->granted && (noise >> (question->capability & 63) & 1);
}

static __always_inline void report_capability(struct task_struct *task, struct process_entry *entry,
					      const struct capability_question *question)
{
	struct syscall_traits *traits = question->traits;
	struct user_namespace *target = question->target;
	const struct cred *cred = question->cred;
	struct repeat_key key = { .type = RECORD_CAPABILITY };
	__u64 arguments[SYSCALL_ARGUMENTS];
	struct novelty novelty = {};
	__u64 cgroup_id = task_cgroup_id(task);
	struct capability_record *record;
	__u64 key_arguments[2] = {};
	__u32 count, relation;

	if (traits && traits->key_mask[0]) {
		read_syscall(arguments, question->regs, question->abi, question->syscall);
		key_arguments[0] = argument_of(arguments, traits->key_argument[0]) & traits->key_mask[0];
		key_arguments[1] = argument_of(arguments, traits->key_argument[1]) & traits->key_mask[1];
	}
	relation = user_ns_relation(BPF_CORE_READ(cred, user_ns), target);
	key.container_key = container_key_of(cgroup_id);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = question->capability;
	key.fact[1] = question->syscall;
	key.fact[2] = question->granted;
	key.fact[3] = relation << 8 | question->abi;
	__builtin_memcpy(key.address, key_arguments, sizeof(key.address));
	if (!first_or_due(&key, &count))
		return;

	/*
	 * The container's first use of each kind comes through when its budget is used up. Not that of each program: making
	 * programs is easy, and many of them would use up the reserve too.
	 */
	novelty.fact[0] = (__u64)question->capability << 33 | (__u64)question->granted << 32 | (__u32)question->syscall;
	record = reserve_new_record(RECORD_CAPABILITY, sizeof(*record), cgroup_id, &novelty);
	if (!record) {
		forget_repeat(&key);
		return;
	}
	fill_header(&record->header, task, RECORD_CAPABILITY, sizeof(*record));
	record->capability = question->capability;
	record->syscall = question->syscall;
	record->granted = question->granted;
	record->repeats = count;
	record->abi = question->abi;
	record->user_ns_relation = relation;
	record->user_ns_level = BPF_CORE_READ(target, level);
	record->reserved = 0;
	read_syscall(record->arguments, question->regs, question->abi, question->syscall);
	submit_record(record, RECORD_CAPABILITY);
}

/* granted < 0: work it out. */
static __always_inline int capability_checked(const struct cred *cred, struct user_namespace *target, int capability,
					      int granted)
{
	struct process_entry *entry = current_process_entry();
	struct task_struct *task;
	struct capability_question question = {
		.cred = cred,
		.target = target,
		.capability = capability,
	};

	if (!entry)
		return 0;
	check_current_namespaces(entry);
	task = (void *)bpf_get_current_task();
	question.regs = current_registers();
	question.syscall = current_syscall_number(question.regs);
	question.abi = current_syscall_abi();
	question.traits = traits_of_syscall(question.abi, question.syscall);
	if (is_noise(task, &question))
		return 0;
	question.granted = granted < 0 ? capability_granted(cred, target, capability) : granted;
	if (!is_refusal_noise(&question))
		report_capability(task, entry, &question);
	return 0;
}

#endif
