// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/task.bpf.h"

/*
 * Attached to nothing: the agent has it run once in its own process (BPF_PROG_TEST_RUN), which tells the other programs
 * where it is. Namespaces and mounts of the agent's container, which may hide its own cgroup from it, do not matter here.
 */
SEC("raw_tp")
int introduce_self(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	own_cgroup_id = task_cgroup_id(task);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
