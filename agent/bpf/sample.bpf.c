// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/sample.bpf.h"

/* One task under construction per CPU: too large for the stack beside everything else. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sampled_task);
} sample_scratches SEC(".maps");

/* A start of 0: adopted by user space, which knows it only to the clock tick. */
static __always_inline bool is_listed(struct task_struct *task)
{
	struct process_entry *entry = task_process_entry(task);

	return entry && (!entry->start_ktime_ns || entry->start_ktime_ns == task_start_ktime_ns(task));
}

/* A thread is told when it is traced, or when privileges or namespaces are not those of the first one. */
static __always_inline bool differs_from_leader(struct task_struct *task, struct task_struct *leader)
{
	const struct cred *own = BPF_CORE_READ(task, real_cred), *first = BPF_CORE_READ(leader, real_cred);
	__u64 own_permitted = 0, first_permitted = 0;

	if (BPF_CORE_READ(task, ptrace))
		return true;
	if (BPF_CORE_READ(task, nsproxy) != BPF_CORE_READ(leader, nsproxy))
		return true;
	if (own == first)
		return false;
	BPF_CORE_READ_INTO(&own_permitted, own, cap_permitted);
	BPF_CORE_READ_INTO(&first_permitted, first, cap_permitted);
	return own_permitted != first_permitted || BPF_CORE_READ(own, euid.val) != BPF_CORE_READ(first, euid.val) ||
	       BPF_CORE_READ(own, uid.val) != BPF_CORE_READ(first, uid.val) ||
	       BPF_CORE_READ(own, user_ns) != BPF_CORE_READ(first, user_ns);
}

static __always_inline void fill_sample(struct sampled_task *sample, struct task_struct *task)
{
	struct nsproxy *nsproxy = BPF_CORE_READ(task, nsproxy);

	sample->head.ktime_ns = bpf_ktime_get_boot_ns();
	sample->head.start_ktime_ns = task_start_ktime_ns(task);
	sample->head.pid = BPF_CORE_READ(task, tgid);
	sample->head.tid = BPF_CORE_READ(task, pid);
	BPF_CORE_READ_INTO(&sample->comm, task, comm);
	sample->cgroup_id = task_cgroup_id(task);
	sample->exec_id = BPF_CORE_READ(task, self_exec_id);
	sample->seccomp_mode = BPF_CORE_READ(task, seccomp.mode);
	if (BPF_CORE_READ(task, atomic_flags) & (1UL << PFA_NO_NEW_PRIVS))
		sample->flags |= SAMPLED_NO_NEW_PRIVILEGES;
	if (!nsproxy)
		sample->flags |= SAMPLED_LEADER_EXITED;
	sample_credentials(sample, BPF_CORE_READ(task, real_cred));
	sample_namespaces(sample, nsproxy);
	sample_family(sample, task);
	sample_executable(sample, task);
	sample_stdio(sample, task);
	sample->head.fingerprint = sampled_fingerprint(sample);
}

/* Tasks of containers, those too that have left the container's mount namespace for the host's. */
SEC("iter/task")
int sample_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *leader;
	struct sampled_task *sample;
	__u32 zero = 0;
	bool listed;

	if (!task || BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	listed = is_listed(task);
	if (!listed && !task_is_candidate(task))
		return 0;
	leader = BPF_CORE_READ(task, group_leader);
	if (BPF_CORE_READ(task, signal, live.counter) <= 0)
		return 0;
	if (task != leader && (!BPF_CORE_READ(task, nsproxy) || !differs_from_leader(task, leader)))
		return 0;
	sample = bpf_map_lookup_elem(&sample_scratches, &zero);
	if (!sample)
		return 0;
	sample->flags = listed ? SAMPLED_LISTED : 0;
	fill_sample(sample, task);
	bpf_seq_write(ctx->meta->seq, sample, sizeof(*sample));
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
