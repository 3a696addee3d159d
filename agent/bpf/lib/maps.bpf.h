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
/* A repeat of a deduplicated record is sent again after this long, with the number of repeats in between. */
const volatile __u64 repeat_interval_ns __weak = 60000000000ULL;

/* Not zero while user space sleeps until a record arrives; zero while it drains on a timer. Written by user space. */
volatile __u32 reader_waits __weak = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	/* Set by user space before loading. */
	__uint(max_entries, 8 * 1024 * 1024);
} records __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RECORD_TYPE_MAX);
	__type(key, __u32);
	__type(value, struct ledger_entry);
} ledger __weak SEC(".maps");

/* cgroup v2 id → enum cgroup_verdict; written by user space, read here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u32);
} cgroup_verdicts __weak SEC(".maps");

/* pid → processes that have executed a program inside a container, and their children. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct process_entry);
} processes __weak SEC(".maps");

#endif
