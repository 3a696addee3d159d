/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_LEDGER_BPF_H
#define TALLYMAN_LEDGER_BPF_H

#include "budget.bpf.h"

/*
 * The ledger: for every record type and CPU, attempted = sent + lost. User space compares it with what it received. Atomic
 * although it is per CPU: a program can be interrupted by another one between reading and writing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RECORD_TYPE_MAX);
	__type(key, __u32);
	__type(value, struct ledger_entry);
} ledger __weak SEC(".maps");

/* What of it was whose, as far as it is known. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct loss_key);
	__type(value, struct container_loss);
} container_losses __weak SEC(".maps");

#define LOSS_EPISODE_NS 5000000000ULL

static __always_inline void count_attempted(__u32 type)
{
	struct ledger_entry *entry = bpf_map_lookup_elem(&ledger, &type);

	if (entry)
		__sync_fetch_and_add(&entry->attempted, 1);
}

static __always_inline void count_sent(__u32 type)
{
	struct ledger_entry *entry = bpf_map_lookup_elem(&ledger, &type);

	if (entry)
		__sync_fetch_and_add(&entry->sent, 1);
}

/* True when an episode of losses begins. */
static __always_inline bool count_container_loss(__u32 type, enum loss_reason reason, __u64 container_key)
{
	struct loss_key key = { .container_key = container_key, .type = type, .reason = reason };
	struct container_loss *loss = bpf_map_lookup_elem(&container_losses, &key);
	__u64 now = bpf_ktime_get_boot_ns();
	bool begins = !loss;

	if (!loss) {
		struct container_loss fresh = { .since_ktime_ns = now, .last_ktime_ns = now };

		bpf_map_update_elem(&container_losses, &key, &fresh, BPF_NOEXIST);
		loss = bpf_map_lookup_elem(&container_losses, &key);
		/* The table is full: the loss is counted as one of the node. */
		if (!loss)
			return false;
	} else if (now - loss->last_ktime_ns > LOSS_EPISODE_NS && now > loss->last_ktime_ns) {
		loss->since_ktime_ns = now;
		begins = true;
	}
	loss->last_ktime_ns = now;
	__sync_fetch_and_add(&loss->count, 1);
	return begins;
}

/* A record that was attempted and is not sent. container_key 0: of no container. True when an episode of losses begins. */
static __always_inline bool count_lost(__u32 type, enum loss_reason reason, __u64 container_key)
{
	struct ledger_entry *entry = bpf_map_lookup_elem(&ledger, &type);
	bool begins = false;

	if (entry)
		__sync_fetch_and_add(&entry->lost[reason], 1);
	if (container_key)
		begins = count_container_loss(type, reason, container_key);
	__sync_fetch_and_add(&loss_signal, 1);
	return begins;
}

#endif
