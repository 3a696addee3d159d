/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_SYSCALL_BPF_H
#define TALLYMAN_SYSCALL_BPF_H

#include "kernel.bpf.h"

/* All that is specific to an architecture: where the number of the syscall in progress is kept. */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FIELD orig_ax
/* THREAD_SIZE, since 3.15. */
#define KERNEL_STACK_BYTES 16384
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_FIELD syscallno
#else
#error "add the register that holds the syscall number on this architecture"
#endif

/* The current task's registers as saved at the entry to the kernel; NULL where there is no way to find them. */
static __always_inline struct pt_regs *current_registers(void)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
#ifdef KERNEL_STACK_BYTES
	/* Before 5.15: they are the first thing on the kernel's stack of the task. */
	task = (void *)bpf_get_current_task();
	return (void *)BPF_CORE_READ(task, stack) + KERNEL_STACK_BYTES - bpf_core_type_size(struct pt_regs);
#else
	return NULL;
#endif
}

/* Number of the syscall the current task is in; -1 outside of one, and where it cannot be found. */
static __always_inline __s32 current_syscall(void)
{
	struct pt_regs *regs = current_registers();

	return regs ? (__s32)BPF_CORE_READ(regs, SYSCALL_FIELD) : -1;
}

#endif
