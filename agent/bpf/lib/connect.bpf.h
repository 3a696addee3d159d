/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_CONNECT_BPF_H
#define TALLYMAN_CONNECT_BPF_H

#include "attempt.bpf.h"
#include "dedupe.bpf.h"
#include "dns-socket.bpf.h"
#include "emit.bpf.h"
#include "endpoint.bpf.h"
#include "fanout.bpf.h"

#define SOCKET_ALLOWED 1

static __always_inline bool destination_is_reported(const struct repeat_key *key, const struct endpoint *remote,
						    __u32 protocol, __u32 *count)
{
	struct repeat_state *state = bpf_map_lookup_elem(&repeats, key);
	__u64 now = coarse_clock_ns();
	struct fanout_key program = {
		.container_key = key->container_key,
		.executable_inode = key->executable_inode,
		.executable_device = key->executable_device,
		.protocol = protocol,
	};

	*count = 0;
	if (state)
		return repeat_is_due(state, now, count);
	/* What a scan touches is not remembered: it would push out what others remember. */
	if (!fanout_admits(&program, remote, now))
		return false;
	remember_first(key, now);
	return true;
}

/* The current process connects to remote, or sends a datagram there. */
static __always_inline int destination_used(struct bpf_sock_addr *ctx, const struct endpoint *remote)
{
	struct process_entry *entry = current_process_entry();
	struct repeat_key key = { .type = RECORD_CONNECT };
	struct connect_record *record;
	struct novelty novelty = {};
	__u32 protocol, count;

	if (!entry)
		return SOCKET_ALLOWED;
	if (remote->port == bpf_htons(DNS_PORT))
		remember_dns_socket(bpf_get_socket_cookie(ctx), entry);
	protocol = ctx->protocol;
	key.container_key = entry_container_key(entry);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = remote->family;
	key.fact[1] = protocol;
	key.fact[2] = remote->port;
	__builtin_memcpy(key.address, remote->address, sizeof(key.address));
	if (!destination_is_reported(&key, remote, protocol, &count))
		return SOCKET_ALLOWED;

	if (protocol == IPPROTO_TCP)
		follow_attempt(bpf_get_socket_cookie(ctx), entry);
	novelty.fact[0] = entry->executable_inode;
	novelty.device = entry->executable_device;
	record = reserve_new_record(RECORD_CONNECT, sizeof(*record), bpf_get_current_cgroup_id(), &novelty);
	if (!record)
		return SOCKET_ALLOWED;
	fill_header(&record->header, (void *)bpf_get_current_task(), RECORD_CONNECT, sizeof(*record));
	__builtin_memcpy(record->remote_address, remote->address, sizeof(record->remote_address));
	record->family = remote->family;
	record->protocol = protocol;
	record->remote_port = remote->port;
	record->repeats = count;
	submit_record(record, RECORD_CONNECT);
	return SOCKET_ALLOWED;
}

static __always_inline int destination4_used(struct bpf_sock_addr *ctx)
{
	struct endpoint remote = { .family = AF_INET, .port = ctx->user_port };

	*(__u32 *)remote.address = ctx->user_ip4;
	return destination_used(ctx, &remote);
}

static __always_inline int destination6_used(struct bpf_sock_addr *ctx)
{
	/* Field by field: the verifier allows the context only aligned word accesses. */
	__u32 words[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };
	struct endpoint remote = { .port = ctx->user_port };

	set_ip6(&remote, words);
	return destination_used(ctx, &remote);
}

#endif
