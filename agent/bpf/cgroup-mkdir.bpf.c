// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/cgroup.bpf.h"

static __always_inline __u64 parent_id(struct cgroup *cgroup)
{
	void *self = BPF_CORE_READ(cgroup, self.parent);
	struct cgroup *parent = self - bpf_core_field_offset(struct cgroup, self);

	return self ? BPF_CORE_READ(parent, kn, id) : 0;
}

/*
 * A cgroup below one of a container, or made by a process of one, belongs to the container from its first moment: user
 * space, which says the same later or knows better, would leave it time to use the budget of a container of its own.
 */
static __always_inline void inherit_container(struct cgroup *cgroup)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = BPF_CORE_READ(cgroup, kn, id), above = parent_id(cgroup);
	struct cgroup_entry *parent = bpf_map_lookup_elem(&cgroups, &above);
	struct cgroup_entry entry = {};

	if (parent && parent->container_key) {
		entry.verdict = parent->verdict;
		entry.container_key = parent->container_key;
	} else if (task_process_entry(task)) {
		entry.container_key = container_key_of(task_cgroup_id(task));
	} else {
		return;
	}
	bpf_map_update_elem(&cgroups, &id, &entry, BPF_NOEXIST);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	if (!is_cgroup_v2(cgroup))
		return 0;
	inherit_container(cgroup);
	return cgroup_changed(cgroup, path, RECORD_CGROUP_MKDIR);
}

char _license[] SEC("license") __weak = "GPL";
