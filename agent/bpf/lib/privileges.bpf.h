/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_PRIVILEGES_BPF_H
#define TALLYMAN_PRIVILEGES_BPF_H

#include "task.bpf.h"

/*
 * What a process may before it executes a program, kept only where the program changes it: nearly all executions change
 * nothing. The key is the process; an execution that fails after the point of no return leaves an entry behind, which its
 * start time tells from the next process with this pid, and which the table forgets by itself.
 */
struct former_privileges {
	__u64 start_ktime_ns;
	struct privileges privileges;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct former_privileges);
} formers __weak SEC(".maps");

/*
 * Since when every execution has been compared; 0: never. An execution under way at that moment may have passed the hook
 * before it was there, so that for some time no entry means unknown, not unchanged.
 */
volatile __u64 compared_since_ktime_ns __weak = 0;

#define COMPARED_AFTER_NS 3000000000ULL

/* kernel_cap_t was an array of two __u32 before 6.3: the same eight bytes on little-endian machines. */
#define CAPABILITY_BITS(cred, set) (*(const __u64 *)&(cred)->set)

/* For pointers that the verifier knows as such. */
static __always_inline void copy_privileges(struct privileges *to, const struct cred *cred)
{
	to->credentials.uid = cred->uid.val;
	to->credentials.gid = cred->gid.val;
	to->credentials.euid = cred->euid.val;
	to->credentials.egid = cred->egid.val;
	to->credentials.suid = cred->suid.val;
	to->credentials.sgid = cred->sgid.val;
	to->capabilities.effective = CAPABILITY_BITS(cred, cap_effective);
	to->capabilities.permitted = CAPABILITY_BITS(cred, cap_permitted);
	to->capabilities.inheritable = CAPABILITY_BITS(cred, cap_inheritable);
	to->capabilities.bounding = CAPABILITY_BITS(cred, cap_bset);
	to->capabilities.ambient = CAPABILITY_BITS(cred, cap_ambient);
}

/* For pointers that are mere numbers to the verifier, as in a kprobe. */
static __always_inline void read_privileges(struct privileges *to, const struct cred *cred)
{
	to->credentials.uid = BPF_CORE_READ(cred, uid.val);
	to->credentials.gid = BPF_CORE_READ(cred, gid.val);
	to->credentials.euid = BPF_CORE_READ(cred, euid.val);
	to->credentials.egid = BPF_CORE_READ(cred, egid.val);
	to->credentials.suid = BPF_CORE_READ(cred, suid.val);
	to->credentials.sgid = BPF_CORE_READ(cred, sgid.val);
	BPF_CORE_READ_INTO(&to->capabilities.effective, cred, cap_effective);
	BPF_CORE_READ_INTO(&to->capabilities.permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&to->capabilities.inheritable, cred, cap_inheritable);
	BPF_CORE_READ_INTO(&to->capabilities.bounding, cred, cap_bset);
	BPF_CORE_READ_INTO(&to->capabilities.ambient, cred, cap_ambient);
}

static __always_inline bool same_privileges(const struct privileges *before, const struct privileges *after)
{
	const __u64 *a = (const void *)before, *b = (const void *)after;
	__u64 difference = 0;

#pragma unroll
	for (int i = 0; i < sizeof(*before) / sizeof(*a); i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* Called for every execution of a candidate, between the decision on its privileges and their change. */
static __always_inline void compare_privileges(__u32 pid, __u64 start_ktime_ns, const struct privileges *before,
					       const struct privileges *after)
{
	struct former_privileges former = { .start_ktime_ns = start_ktime_ns, .privileges = *before };

	if (!compared_since_ktime_ns)
		compared_since_ktime_ns = bpf_ktime_get_boot_ns();
	if (same_privileges(before, after))
		return;
	/* What cannot be kept must not look like no change. */
	if (bpf_map_update_elem(&formers, &pid, &former, BPF_ANY))
		compared_since_ktime_ns = bpf_ktime_get_boot_ns();
}

/* For hooks in the current task just before its privileges change. */
static __always_inline void compare_committing(struct linux_binprm *bprm)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct privileges before, after;

	if (!task_is_candidate(task))
		return;
	read_privileges(&before, BPF_CORE_READ(task, cred));
	read_privileges(&after, BPF_CORE_READ(bprm, cred));
	compare_privileges(BPF_CORE_READ(task, tgid), task_start_ktime_ns(task), &before, &after);
}

/* What became of the comparison of this execution, in enum exec_flag; *before is filled where privileges changed. */
static __always_inline __u32 take_former_privileges(__u32 pid, __u64 start_ktime_ns, __u64 now_ktime_ns,
						    struct privileges *before)
{
	struct former_privileges *former = bpf_map_lookup_elem(&formers, &pid);
	__u64 since = compared_since_ktime_ns;
	bool is_own = former && former->start_ktime_ns == start_ktime_ns;

	__builtin_memset(before, 0, sizeof(*before));
	if (is_own)
		*before = former->privileges;
	if (former)
		bpf_map_delete_elem(&formers, &pid);
	if (is_own)
		return EXEC_BEFORE_KNOWN | EXEC_PRIVILEGES_CHANGED;
	return since && now_ktime_ns - since > COMPARED_AFTER_NS ? EXEC_BEFORE_KNOWN : 0;
}

#endif
