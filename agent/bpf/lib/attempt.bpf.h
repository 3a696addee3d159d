/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_ATTEMPT_BPF_H
#define TALLYMAN_ATTEMPT_BPF_H

#include "socket-owner.bpf.h"

/*
 * Reported connection attempts without an outcome, by the cookie of the socket. Only these are followed: a socket gets its
 * cookie here, so that one without costs a single read when its attempt succeeds or fails.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct socket_owner);
} attempts __weak SEC(".maps");

static __always_inline void follow_attempt(__u64 cookie, const struct process_entry *entry)
{
	struct socket_owner owner = {};

	fill_owner(&owner, entry);
	bpf_map_update_elem(&attempts, &cookie, &owner, BPF_ANY);
}

#endif
