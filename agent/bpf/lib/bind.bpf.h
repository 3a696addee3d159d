/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_BIND_BPF_H
#define TALLYMAN_BIND_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "endpoint.bpf.h"
#include "socket-owner.bpf.h"

#define BIND_ALLOWED 1
/* Ports from here on are those that the kernel chooses by default: to the dedupe they are one. */
#define FIRST_EPHEMERAL_PORT 32768

/* The current process bound a socket; the kernel has accepted and, where the program left it open, chosen the port. */
static __always_inline int socket_bound(struct bpf_sock *ctx, const struct endpoint *local)
{
	struct process_entry *entry = current_process_entry();
	struct repeat_key key = { .type = RECORD_BIND };
	struct bind_record *record;
	__u32 port, count;

	if (!entry)
		return BIND_ALLOWED;
	port = ctx->src_port;
	key.container_key = entry_container_key(entry);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = local->family;
	key.fact[1] = ctx->protocol;
	key.fact[2] = port < FIRST_EPHEMERAL_PORT ? port : FIRST_EPHEMERAL_PORT;
	__builtin_memcpy(key.address, local->address, sizeof(key.address));
	if (!first_or_due_at(&key, coarse_clock_ns(), &count))
		return BIND_ALLOWED;

	record = reserve_record(RECORD_BIND, sizeof(*record), bpf_get_current_cgroup_id());
	if (!record)
		return BIND_ALLOWED;
	fill_header(&record->header, (void *)bpf_get_current_task(), RECORD_BIND, sizeof(*record));
	__builtin_memcpy(record->local_address, local->address, sizeof(record->local_address));
	record->family = local->family;
	record->protocol = ctx->protocol;
	record->local_port = port;
	record->repeats = count;
	submit_record(record, RECORD_BIND);
	return BIND_ALLOWED;
}

#endif
