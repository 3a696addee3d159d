/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_CGROUP_BPF_H
#define TALLYMAN_CGROUP_BPF_H

#include "emit.bpf.h"
#include "task.bpf.h"

/* Only cgroup v2 (hierarchy 0) counts: its ids are what tasks carry. */
static __always_inline bool is_cgroup_v2(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == 0;
}

/* path is relative to the root of the hierarchy. What a container's process does to cgroups costs the container. */
static __always_inline int cgroup_changed(struct cgroup *cgroup, const char *path, __u32 type)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 payer = task_process_entry(task) ? task_cgroup_id(task) : 0;
	struct cgroup_record *record;
	long length;

	record = reserve_record(type, sizeof(*record), payer);
	if (!record)
		return 0;
	fill_header(&record->header, task, type, sizeof(*record));
	record->header.cgroup_id = BPF_CORE_READ(cgroup, kn, id);
	length = bpf_probe_read_kernel_str(record->path, sizeof(record->path), path);
	record->path_size = length > 0 ? length : 0;
	record->reserved = 0;
	submit_record(record, type);
	return 0;
}

#endif
