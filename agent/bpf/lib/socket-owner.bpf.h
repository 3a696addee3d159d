/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_SOCKET_OWNER_BPF_H
#define TALLYMAN_SOCKET_OWNER_BPF_H

#include "budget.bpf.h"
#include "task.bpf.h"

/*
 * Who acted on a socket, kept for what happens to it in a soft interrupt, where the current task is whoever was running.
 * type, size and time of the header are filled in when it is used.
 */
struct socket_owner {
	struct record_header header;
	struct process_entry entry;
};

static __always_inline void fill_owner(struct socket_owner *owner, const struct process_entry *entry)
{
	fill_header(&owner->header, (void *)bpf_get_current_task(), 0, 0);
	owner->entry = *entry;
}

/* The container of the current process; looked up only for processes that have executed nothing since the agent started. */
static __always_inline __u64 entry_container_key(const struct process_entry *entry)
{
	return entry->container_key ? entry->container_key : container_key_of(bpf_get_current_cgroup_id());
}

/* 0 until somebody has asked for the socket's cookie. */
static __always_inline __u64 known_cookie(const struct sock *sk)
{
	return sk->__sk_common.skc_cookie.counter;
}

#endif
