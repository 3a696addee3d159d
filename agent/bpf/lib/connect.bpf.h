/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_CONNECT_BPF_H
#define TALLYMAN_CONNECT_BPF_H

#include "attempt.bpf.h"
#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "task.bpf.h"

#define SOCKET_ALLOWED 1

/* address: 16 bytes, IPv4 in the first four; port in network byte order. */
static __always_inline int connect_attempted(const __u8 *address, __u32 port, __u32 family, __u32 protocol)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct process_entry *entry = task_process_entry(task);
	struct repeat_key key = { .type = RECORD_CONNECT };
	struct connect_record *record;
	struct novelty novelty = {};
	__u64 cgroup_id;
	__u32 count;

	if (!entry)
		return SOCKET_ALLOWED;
	cgroup_id = task_cgroup_id(task);
	key.container_key = container_key_of(cgroup_id);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = family;
	key.fact[1] = protocol;
	key.fact[2] = port;
	__builtin_memcpy(key.address, address, sizeof(key.address));
	if (!first_or_due(&key, &count))
		return SOCKET_ALLOWED;

	if (protocol == IPPROTO_TCP)
		attempt_reported(task);
	novelty.fact[0] = entry->executable_inode;
	novelty.device = entry->executable_device;
	record = reserve_new_record(RECORD_CONNECT, sizeof(*record), cgroup_id, &novelty);
	if (!record)
		return SOCKET_ALLOWED;
	fill_header(&record->header, task, RECORD_CONNECT, sizeof(*record));
	__builtin_memcpy(record->remote_address, address, sizeof(record->remote_address));
	record->family = family;
	record->protocol = protocol;
	record->remote_port = port;
	record->repeats = count;
	submit_record(record, RECORD_CONNECT);
	return SOCKET_ALLOWED;
}

#endif
