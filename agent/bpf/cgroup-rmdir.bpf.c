// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/cgroup.bpf.h"

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	return cgroup_changed(cgroup, path, RECORD_CGROUP_RMDIR);
}

char _license[] SEC("license") __weak = "GPL";
