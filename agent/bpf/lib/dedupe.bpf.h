/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_DEDUPE_BPF_H
#define TALLYMAN_DEDUPE_BPF_H

#include "maps.bpf.h"

/* What makes two capability or network records "the same": container, executable and the fact itself. */
struct repeat_key {
	__u64 container_key;
	__u64 executable_inode;
	__u32 executable_device;
	__u32 type;
	/*
	 * Capability: number, syscall, outcome, way of asking, with arguments as the address. Network: family, protocol or
	 * state, port. Namespaces: those that changed, those that are the host's, whether by clone.
	 */
	__u32 fact[4];
	__u8 address[16];
};

struct repeat_state {
	__u64 sent_ns;
	__u32 repeats;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct repeat_key);
	__type(value, struct repeat_state);
} repeats __weak SEC(".maps");

/*
 * A clock for intervals that costs a third of the exact one. Only programs on cgroups may ask for it: all records of one
 * type must go by the same clock.
 */
static __always_inline __u64 coarse_clock_ns(void)
{
	/* Since 5.11. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_coarse_ns))
		return bpf_ktime_get_coarse_ns();
	return bpf_ktime_get_boot_ns();
}

static __always_inline void remember_first(const struct repeat_key *key, __u64 now)
{
	struct repeat_state fresh = { .sent_ns = now };

	bpf_map_update_elem(&repeats, key, &fresh, BPF_ANY);
}

/*
 * A record of this kind has been sent before: true when that was repeat_interval_ns ago, with the number of those that
 * were not sent since in *count. Two CPUs that race may both send; neither is lost.
 */
static __always_inline bool repeat_is_due(struct repeat_state *state, __u64 now, __u32 *count)
{
	if (now - state->sent_ns < repeat_interval_ns) {
		__sync_fetch_and_add(&state->repeats, 1);
		return false;
	}
	*count = state->repeats;
	state->repeats = 0;
	state->sent_ns = now;
	return true;
}

/* The record could not be sent after all: the next of its kind is a first one again. */
static __always_inline void forget_repeat(const struct repeat_key *key)
{
	bpf_map_delete_elem(&repeats, key);
}

/* True when a record is to be sent: the first of its kind, or a repeat that is due. */
static __always_inline bool first_or_due_at(const struct repeat_key *key, __u64 now, __u32 *count)
{
	struct repeat_state *state = bpf_map_lookup_elem(&repeats, key);

	*count = 0;
	if (state)
		return repeat_is_due(state, now, count);
	remember_first(key, now);
	return true;
}

static __always_inline bool first_or_due(const struct repeat_key *key, __u32 *count)
{
	return first_or_due_at(key, bpf_ktime_get_boot_ns(), count);
}

#endif
