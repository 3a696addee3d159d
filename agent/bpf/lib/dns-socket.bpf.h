/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_DNS_SOCKET_BPF_H
#define TALLYMAN_DNS_SOCKET_BPF_H

#include "socket-owner.bpf.h"

#define DNS_PORT 53

/* Who asked a name server through which socket, by the cookie of the socket: the answer arrives in a soft interrupt. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct socket_owner);
} dns_sockets __weak SEC(".maps");

/* A socket that several processes use is the last one's that asked. */
static __always_inline void remember_dns_socket(__u64 cookie, const struct process_entry *entry)
{
	struct socket_owner *known = bpf_map_lookup_elem(&dns_sockets, &cookie);
	struct socket_owner owner = {};

	if (known && known->header.pid == bpf_get_current_pid_tgid() >> 32)
		return;
	fill_owner(&owner, entry);
	bpf_map_update_elem(&dns_sockets, &cookie, &owner, BPF_ANY);
}

#endif
