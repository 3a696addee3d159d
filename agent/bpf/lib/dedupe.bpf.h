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
	__u64 sent_ktime_ns;
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
 * True when a record is to be sent: the first of its kind, or the first after repeat_interval_ns. *count is then the
 * number of repeats that were not sent. Two CPUs that race may both send; neither is lost.
 */
static __always_inline bool first_or_due(const struct repeat_key *key, __u32 *count)
{
	struct repeat_state *state = bpf_map_lookup_elem(&repeats, key);
	__u64 now = bpf_ktime_get_boot_ns();

	*count = 0;
	if (!state) {
		struct repeat_state fresh = { .sent_ktime_ns = now };

		bpf_map_update_elem(&repeats, key, &fresh, BPF_ANY);
		return true;
	}
	if (now - state->sent_ktime_ns < repeat_interval_ns) {
		__sync_fetch_and_add(&state->repeats, 1);
		return false;
	}
	*count = state->repeats;
	state->repeats = 0;
	state->sent_ktime_ns = now;
	return true;
}

/* The record could not be sent after all: the next of its kind is a first one again. */
static __always_inline void forget_repeat(const struct repeat_key *key)
{
	bpf_map_delete_elem(&repeats, key);
}

#endif
