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

/*
 * A wake-up costs the traced task an interrupt. While there is work, user space drains on a timer and none is sent; the
 * first record after a pause wakes it. The flag is read after the space has been reserved: user space sets it before it
 * looks at the reserved position for the last time, so one of the two always sees the other.
 */
static __always_inline __u64 wakeup_flags(void)
{
	return reader_waits ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void submit_record(void *record, __u32 type)
{
	bpf_ringbuf_submit(record, wakeup_flags());
	count_sent(type);
}

/* Copies a record of variable size into the ring. */
static __always_inline void output_record(void *record, __u32 type, __u64 size)
{
	__u64 flags = wakeup_flags();
	void *wakeup;

	if (bpf_ringbuf_output(&records, record, size, flags)) {
		count_lost(type, LOSS_RING_FULL);
		return;
	}
	count_sent(type);
	if (flags == BPF_RB_FORCE_WAKEUP || !reader_waits)
		return;
	/* User space went to sleep between the flag and the output: an empty record that is discarded wakes it. */
	wakeup = bpf_ringbuf_reserve(&records, sizeof(__u64), 0);
	if (wakeup)
		bpf_ringbuf_discard(wakeup, BPF_RB_FORCE_WAKEUP);
}

#endif
