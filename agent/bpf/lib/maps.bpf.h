/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_MAPS_BPF_H
#define TALLYMAN_MAPS_BPF_H

/*
 * All maps and settings. They are weak because every hook's object defines them; the static linker keeps one of each.
 * User space sets the constants between open and load.
 */

#include "kernel.bpf.h"

/* Mount namespace of the host: tasks in it are never reported. */
const volatile __u32 host_mount_ns __weak = 0;
/* Network namespace of the host. */
const volatile __u32 host_network_ns __weak = 0;
/* A repeat of a deduplicated record is sent again after this long, with the number of repeats in between. */
const volatile __u64 repeat_interval_ns __weak = 60000000000ULL;

/* What a record takes from its budget, in nanoseconds of the time at which the budget refills; 0: no limit. By class. */
const volatile __u64 budget_cost_ns[BUDGET_CLASS_MAX] __weak = {};
/* How far a container may be ahead of the refill: cost times the records that may come at once. By class. */
const volatile __u64 budget_burst_ns[BUDGET_CLASS_MAX] __weak = {};

/* The same for the reserve that each class has beside its budget. */
const volatile __u64 reserve_cost_ns __weak = 0;
const volatile __u64 reserve_burst_ns __weak = 0;

/* The agent's own cgroup, found out by a program that runs in it; nothing in it is reported. */
volatile __u64 own_cgroup_id __weak = 0;

/* Grows with everything that is lost, so that user space notices without asking. */
volatile __u32 loss_signal __weak = 0;

/* Not zero while user space sleeps until a record arrives; zero while it drains on a timer. Written by user space. */
volatile __u32 reader_waits __weak = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	/* Set by user space before loading. */
	__uint(max_entries, 8 * 1024 * 1024);
} records __weak SEC(".maps");

/* cgroup v2 id → what it is part of. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct cgroup_entry);
} cgroups __weak SEC(".maps");

/* pid → processes that have executed a program inside a container, and their children. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct process_entry);
} processes __weak SEC(".maps");

#endif
