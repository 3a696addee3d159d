// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/known-task.bpf.h"
#include "lib/privileges.bpf.h"

/* Linux 6.10 and later: the new privileges are decided, the task still has the old ones. */
SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(privileges_tp, struct task_struct *task, struct linux_binprm *bprm)
{
	const struct cred *former = task->cred, *next = bprm->cred;
	struct privileges before, after;

	if (!former || !next || !known_task_is_candidate(task))
		return 0;
	copy_privileges(&before, former);
	copy_privileges(&after, next);
	compare_privileges(task->tgid, known_task_start_ktime_ns(task), &before, &after);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
