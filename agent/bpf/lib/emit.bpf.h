/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EMIT_BPF_H
#define TALLYMAN_EMIT_BPF_H

#include "ledger.bpf.h"

/*
 * How a record is sent. One of fixed size: reserve_record, fill it, submit_record. One of variable size, built elsewhere:
 * output_record; where building is dear, ask admit_record first and hand it over with copy_record. Every record begins with
 * struct record_header. cgroup_id is that of the container's task the record costs something; 0 where it is the host's.
 */

/*
 * A wake-up costs the traced task an interrupt. While there is work, user space drains on a timer and none is sent; the
 * first record after a pause wakes it. The flag is read after the space has been reserved: user space sets it before it
 * looks at the reserved position for the last time, so one of the two always sees the other.
 */
static __always_inline __u64 wakeup_flags(void)
{
	return reader_waits ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* The CPU is the one whose ledger has counted the record: programs do not migrate while they run. */
static __always_inline void submit_record(void *record, __u32 type)
{
	((struct record_header *)record)->cpu = bpf_get_smp_processor_id();
	((struct record_header *)record)->reserved = 0;
	count_sent(type);
	bpf_ringbuf_submit(record, wakeup_flags());
}

static __always_inline void tell_throttled(__u32 type, __u64 cgroup_id, __u64 container_key)
{
	struct throttle_record *record;

	count_attempted(RECORD_THROTTLE);
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count_lost(RECORD_THROTTLE, LOSS_RING_FULL, container_key);
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->header.type = RECORD_THROTTLE;
	record->header.size = sizeof(*record);
	record->header.ktime_ns = bpf_ktime_get_boot_ns();
	record->header.cgroup_id = cgroup_id;
	record->container_key = container_key;
	record->lost_type = type;
	submit_record(record, RECORD_THROTTLE);
}

/*
 * Counts the attempt and takes the record from the container's budget; false when that is used up, which is counted. A
 * record whose novelty has not been seen of the container may then still come out of the reserve. novelty may be NULL; its
 * container and type are filled in here.
 */
static __always_inline bool admit_record(__u32 type, __u64 cgroup_id, struct novelty *novelty)
{
	__u64 container_key;

	count_attempted(type);
	if (budget_class_of(type) == BUDGET_NONE || cgroup_id == 0)
		return true;
	container_key = container_key_of(cgroup_id);
	if (budget_allows(type, container_key, novelty))
		return true;
	if (count_lost(type, LOSS_THROTTLED, container_key))
		tell_throttled(type, cgroup_id, container_key);
	return false;
}

static __always_inline void lose_record(__u32 type, enum loss_reason reason, __u64 cgroup_id)
{
	count_lost(type, reason, cgroup_id ? container_key_of(cgroup_id) : 0);
}

/* Something that a record would have to tell is not known, because a table is full: counted as if it were a record. */
static __always_inline void lose_knowledge(__u32 type, enum loss_reason reason, __u64 cgroup_id)
{
	count_attempted(type);
	lose_record(type, reason, cgroup_id);
}

/* Room for a record of fixed size; NULL when there is none, which is counted. */
static __always_inline void *reserve_new_record(__u32 type, __u64 size, __u64 cgroup_id, struct novelty *novelty)
{
	void *record;

	if (!admit_record(type, cgroup_id, novelty))
		return NULL;
	record = bpf_ringbuf_reserve(&records, size, 0);
	if (!record)
		lose_record(type, LOSS_RING_FULL, cgroup_id);
	return record;
}

static __always_inline void *reserve_record(__u32 type, __u64 size, __u64 cgroup_id)
{
	return reserve_new_record(type, size, cgroup_id, NULL);
}

/* Copies an admitted record of variable size into the ring; false when there was no room. */
static __always_inline bool copy_record(void *record, __u32 type, __u64 size, __u64 cgroup_id)
{
	__u64 flags = wakeup_flags();
	void *wakeup;

	((struct record_header *)record)->cpu = bpf_get_smp_processor_id();
	((struct record_header *)record)->reserved = 0;
	if (bpf_ringbuf_output(&records, record, size, flags)) {
		lose_record(type, LOSS_RING_FULL, cgroup_id);
		return false;
	}
	count_sent(type);
	if (flags == BPF_RB_FORCE_WAKEUP || !reader_waits)
		return true;
	/* User space went to sleep between the flag and the output: an empty record that is discarded wakes it. */
	wakeup = bpf_ringbuf_reserve(&records, sizeof(__u64), 0);
	if (wakeup)
		bpf_ringbuf_discard(wakeup, BPF_RB_FORCE_WAKEUP);
	return true;
}

static __always_inline void output_record(void *record, __u32 type, __u64 size, __u64 cgroup_id)
{
	if (admit_record(type, cgroup_id, NULL))
		copy_record(record, type, size, cgroup_id);
}

#endif
