/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EMIT_BPF_H
#define TALLYMAN_EMIT_BPF_H

#include "maps.bpf.h"

/*
 * The ledger: for every record type and CPU, sent + lost = what should have been sent. User space reads it and compares
 * with what it received.
 */
static __always_inline void count_sent(__u32 type)
{
	struct ledger_entry *entry = bpf_map_lookup_elem(&ledger, &type);

	if (entry)
		entry->sent++;
}

static __always_inline void count_lost(__u32 type, enum loss_reason reason)
{
	struct ledger_entry *entry = bpf_map_lookup_elem(&ledger, &type);

	if (entry)
		entry->lost[reason]++;
}

/* Room for a record of fixed size; NULL when the ring is full, which is counted. Fill it, then submit_record. */
static __always_inline void *reserve_record(__u32 type, __u64 size)
{
	void *record = bpf_ringbuf_reserve(&records, size, 0);

	if (!record)
		count_lost(type, LOSS_RING_FULL);
	return record;
}

/* User space drains on a timer: no wake-up, so that a record costs the traced task no interrupt. */
static __always_inline void submit_record(void *record, __u32 type)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	count_sent(type);
}

/* Copies a record of variable size into the ring. */
static __always_inline void output_record(void *record, __u32 type, __u64 size)
{
	if (bpf_ringbuf_output(&records, record, size, BPF_RB_NO_WAKEUP))
		count_lost(type, LOSS_RING_FULL);
	else
		count_sent(type);
}

#endif
