/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_BUDGET_BPF_H
#define TALLYMAN_BUDGET_BPF_H

#include "maps.bpf.h"

/*
 * How much each container may send, by class. An entry of due_ns is the time at which everything taken so far would have been
 * refilled: in the past when the budget is full, further in the future than the burst when it is used up. Taking is one
 * atomic addition, without a lock and without a result, which 5.10 does not have; CPUs that race may take one record too
 * many each, and what is sent is counted elsewhere.
 */
struct budget {
	__u64 due_ns[BUDGET_CLASS_MAX];
	/* For what has not been seen of the container before, when the budget is used up. */
	__u64 reserve_due_ns[BUDGET_CLASS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct budget);
} budgets __weak SEC(".maps");

/* What makes a record the first of its kind: the rest of the facts are what the hook says they are. */
struct novelty {
	__u64 container_key;
	__u64 fact[2];
	__u32 type;
	__u32 device;
	char comm[RECORD_COMM_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct novelty);
	__type(value, __u8);
} novelties __weak SEC(".maps");

/* No limit: the end of a process, of which there is one for each beginning that was sent, and what the host does. */
#define BUDGET_NONE (-1)

static __always_inline int budget_class_of(__u32 type)
{
	switch (type) {
	case RECORD_EXEC:
		return BUDGET_EXEC;
	case RECORD_FORK:
		return BUDGET_FORK;
	case RECORD_CAPABILITY:
	case RECORD_NAMESPACE:
	case RECORD_SYSCALL:
		return BUDGET_PRIVILEGE;
	case RECORD_CONNECT:
	case RECORD_TCP_STATE:
	case RECORD_BIND:
	case RECORD_FANOUT:
	case RECORD_UNIX_CONNECT:
		return BUDGET_NETWORK;
	case RECORD_EXIT:
	case RECORD_THROTTLE:
		return BUDGET_NONE;
	default:
		return BUDGET_OTHER;
	}
}

/* The container that a cgroup belongs to: one that makes cgroups below its own does not get more by it. */
static __always_inline __u64 container_key_of(__u64 cgroup_id)
{
	struct cgroup_entry *entry = bpf_map_lookup_elem(&cgroups, &cgroup_id);

	return entry && entry->container_key ? entry->container_key : cgroup_id;
}

static __always_inline bool take(__u64 *due_ns, __u64 cost_ns, __u64 burst_ns, __u64 now)
{
	__u64 due = *(volatile __u64 *)due_ns;

	if (cost_ns == 0)
		return true;
	if (due < now) {
		*due_ns = now + cost_ns;
		return true;
	}
	if (due - now > burst_ns)
		return false;
	__sync_fetch_and_add(due_ns, cost_ns);
	return true;
}

/* True once for each novelty that is remembered. Asked only when a budget is used up, so that calm costs nothing. */
static __always_inline bool is_new(const struct novelty *novelty)
{
	__u8 one = 1;

	return bpf_map_update_elem(&novelties, novelty, &one, BPF_NOEXIST) == 0;
}

/* novelty: may be NULL. */
static __always_inline bool budget_allows(__u32 type, __u64 container_key, struct novelty *novelty)
{
	struct budget *budget = bpf_map_lookup_elem(&budgets, &container_key);
	__u64 now = bpf_ktime_get_boot_ns();
	int class = budget_class_of(type);

	if (!budget) {
		struct budget full = {};

		bpf_map_update_elem(&budgets, &container_key, &full, BPF_NOEXIST);
		budget = bpf_map_lookup_elem(&budgets, &container_key);
		if (!budget)
			return true;
	}
	if (take(&budget->due_ns[class], budget_cost_ns[class], budget_burst_ns[class], now))
		return true;
	if (!novelty)
		return false;
	novelty->container_key = container_key;
	novelty->type = type;
	return is_new(novelty) && take(&budget->reserve_due_ns[class], reserve_cost_ns, reserve_burst_ns, now);
}

#endif
