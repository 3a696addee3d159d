// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/cgroup.bpf.h"

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	return cgroup_changed(cgroup, path, RECORD_CGROUP_MKDIR);
}

char _license[] SEC("license") __weak = "GPL";
