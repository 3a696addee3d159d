/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_ATTEMPT_BPF_H
#define TALLYMAN_ATTEMPT_BPF_H

#include "maps.bpf.h"

/*
 * Threads whose connection attempt has just been reported, from the connect hook to the socket's change of state in the
 * same system call. Only such an attempt's outcome is followed: repeats of an attempt cost one look-up here, and nothing
 * when they succeed or fail.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} reported_attempts __weak SEC(".maps");

static __always_inline void attempt_reported(struct task_struct *task)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	__u8 one = 1;

	bpf_map_update_elem(&reported_attempts, &tid, &one, BPF_ANY);
}

/* True once for each reported attempt. */
static __always_inline bool take_reported_attempt(struct task_struct *task)
{
	__u32 tid = BPF_CORE_READ(task, pid);

	return bpf_map_delete_elem(&reported_attempts, &tid) == 0;
}

#endif
