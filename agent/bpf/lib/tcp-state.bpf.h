/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_TCP_STATE_BPF_H
#define TALLYMAN_TCP_STATE_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "socket-owner.bpf.h"

/* Both ends of a TCP socket. */
struct tcp_ends {
	__u8 remote_address[16];
	__u8 local_address[16];
	__u32 family;
	/* Network byte order. */
	__u16 remote_port;
	/* Host byte order. */
	__u16 local_port;
};

/* False for sockets of other families and protocols: SCTP and DCCP keep their states in the same place. */
static __always_inline bool read_ends(struct tcp_ends *into, const struct sock *sk)
{
	into->family = sk->__sk_common.skc_family;
	if (sk->sk_protocol != IPPROTO_TCP)
		return false;
	if (into->family == AF_INET) {
		*(__u32 *)into->remote_address = sk->__sk_common.skc_daddr;
		*(__u32 *)into->local_address = sk->__sk_common.skc_rcv_saddr;
	} else if (into->family == AF_INET6) {
		BPF_CORE_READ_INTO((struct in6_addr *)into->remote_address, sk, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO((struct in6_addr *)into->local_address, sk, __sk_common.skc_v6_rcv_saddr);
	} else {
		return false;
	}
	into->remote_port = sk->__sk_common.skc_dport;
	into->local_port = sk->__sk_common.skc_num;
	return true;
}

static __always_inline void fill_repeat_key(struct repeat_key *key, const struct process_entry *entry,
					    const struct record_header *owner, __u32 family, __u32 outcome)
{
	key->type = RECORD_TCP_STATE;
	key->container_key = entry->container_key ? entry->container_key : container_key_of(owner->cgroup_id);
	key->executable_inode = entry->executable_inode;
	key->executable_device = entry->executable_device;
	key->fact[0] = family;
	key->fact[1] = outcome;
}

/* owner: the header of whose socket it is. Filled in place, because the stack has no room for it. */
static __always_inline void emit_state(const struct record_header *owner, const struct tcp_ends *ends, __u32 outcome,
				       __u32 error, __u32 repeats)
{
	struct tcp_state_record *record = reserve_record(RECORD_TCP_STATE, sizeof(*record), owner->cgroup_id);

	if (!record)
		return;
	record->header = *owner;
	record->header.type = RECORD_TCP_STATE;
	record->header.size = sizeof(*record);
	record->header.ktime_ns = bpf_ktime_get_boot_ns();
	__builtin_memcpy(record->remote_address, ends->remote_address, sizeof(record->remote_address));
	__builtin_memcpy(record->local_address, ends->local_address, sizeof(record->local_address));
	record->family = ends->family;
	record->outcome = outcome;
	record->remote_port = ends->remote_port;
	record->local_port = ends->local_port;
	record->repeats = repeats;
	record->error = error;
	submit_record(record, RECORD_TCP_STATE);
}

#endif
