// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/cgroup.bpf.h"

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	__u64 id;

	if (!is_cgroup_v2(cgroup))
		return 0;
	/* Nothing runs in it any more; what user space never heard of would stay for ever. */
	id = BPF_CORE_READ(cgroup, kn, id);
	bpf_map_delete_elem(&cgroups, &id);
	return cgroup_changed(cgroup, path, RECORD_CGROUP_RMDIR);
}

char _license[] SEC("license") __weak = "GPL";
