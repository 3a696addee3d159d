/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_FANOUT_BPF_H
#define TALLYMAN_FANOUT_BPF_H

#include "emit.bpf.h"
#include "endpoint.bpf.h"
#include "task.bpf.h"

/* New destinations of one program that are reported one by one within a window; a scan has more. A power of two. */
#define FANOUT_DESTINATIONS 512
#define FANOUT_WINDOW_NS 60000000000ULL

struct fanout_key {
	__u64 container_key;
	__u64 executable_inode;
	__u32 executable_device;
	__u32 protocol;
};

struct fanout_state {
	__u64 window_ns;
	__u32 destinations;
	__u32 address_changes;
	__u8 last_address[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct fanout_key);
	__type(value, struct fanout_state);
} fanouts __weak SEC(".maps");

static __always_inline void emit_fanout(const struct fanout_key *key, const struct fanout_state *state,
					const struct endpoint *remote)
{
	struct fanout_record *record = reserve_record(RECORD_FANOUT, sizeof(*record), bpf_get_current_cgroup_id());

	if (!record)
		return;
	fill_header(&record->header, (void *)bpf_get_current_task(), RECORD_FANOUT, sizeof(*record));
	__builtin_memcpy(record->remote_address, remote->address, sizeof(record->remote_address));
	record->family = remote->family;
	record->protocol = key->protocol;
	record->remote_port = remote->port;
	record->destinations = state->destinations;
	record->address_changes = state->address_changes;
	record->reserved = 0;
	submit_record(record, RECORD_FANOUT);
}

/* A destination that is new: true when it is to be reported by itself, false when the window has had enough of them. */
static __always_inline bool fanout_admits(const struct fanout_key *key, const struct endpoint *remote, __u64 now)
{
	struct fanout_state *state = bpf_map_lookup_elem(&fanouts, key);

	if (!state) {
		struct fanout_state fresh = { .window_ns = now, .destinations = 1 };

		__builtin_memcpy(fresh.last_address, remote->address, sizeof(fresh.last_address));
		bpf_map_update_elem(&fanouts, key, &fresh, BPF_ANY);
		return true;
	}
	if (now - state->window_ns > FANOUT_WINDOW_NS) {
		state->window_ns = now;
		state->destinations = 0;
		state->address_changes = 0;
	}
	state->destinations++;
	if (!same_address(state->last_address, remote->address)) {
		state->address_changes++;
		__builtin_memcpy(state->last_address, remote->address, sizeof(state->last_address));
	}
	if (state->destinations < FANOUT_DESTINATIONS)
		return true;
	if ((state->destinations & (state->destinations - 1)) == 0)
		emit_fanout(key, state, remote);
	return false;
}

#endif
