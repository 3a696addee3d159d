/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_SYSCALL_BPF_H
#define TALLYMAN_SYSCALL_BPF_H

#include "kernel.bpf.h"

/* All that is specific to an architecture: where the number of the syscall in progress is kept. */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FIELD orig_ax
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_FIELD syscallno
#else
#error "add the register that holds the syscall number on this architecture"
#endif

/* Number of the syscall the current task is in, from its saved registers; -1 outside of one. */
static __always_inline __s32 current_syscall(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)task);

	return (__s32)BPF_CORE_READ(regs, SYSCALL_FIELD);
}

#endif
