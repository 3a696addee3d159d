/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_SYSCALL_BPF_H
#define TALLYMAN_SYSCALL_BPF_H

#include "kernel.bpf.h"
#if defined(__TARGET_ARCH_x86)
#include <asm/unistd_64.h>
#else
#include <asm-generic/unistd.h>
#endif

/*
 * All that is specific to an architecture: where the number and the arguments of the syscall in progress are kept, and how
 * one is told that a 32-bit program made, whose numbers mean something else.
 */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FIELD orig_ax
#define SYSCALL_FUNCTION(name) "__x64_sys_" #name
/* THREAD_SIZE, since 3.15. */
#define KERNEL_STACK_BYTES 16384
#define TS_COMPAT 0x0002
#define TASK_IS_32BIT(task) ((BPF_CORE_READ(task, thread_info.status) & TS_COMPAT) != 0)
#define KNOWN_TASK_IS_32BIT(task) (((task)->thread_info.status & TS_COMPAT) != 0)
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_FIELD syscallno
#define SYSCALL_FUNCTION(name) "__arm64_sys_" #name
#define _TIF_32BIT (1 << 22)
#define TASK_IS_32BIT(task) ((BPF_CORE_READ(task, thread_info.flags) & _TIF_32BIT) != 0)
#define KNOWN_TASK_IS_32BIT(task) (((task)->thread_info.flags & _TIF_32BIT) != 0)
#else
#error "add the register that holds the syscall number on this architecture"
#endif

/* The same number on every architecture. */
#define SYSCALL_IO_URING_ENTER 426
#define SYSCALL_CLONE3 435

/* Numbers below this have a row of traits, for each ABI. */
#define SYSCALL_NUMBERS 512

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * SYSCALL_NUMBERS);
	__type(key, __u32);
	__type(value, struct syscall_traits);
} syscall_traits __weak SEC(".maps");

/* The current task's registers as saved at the entry to the kernel; NULL where there is no way to find them. */
static __always_inline struct pt_regs *current_registers(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
#ifdef KERNEL_STACK_BYTES
	/* Before 5.15: they are the first thing on the kernel's stack of the task. */
	struct task_struct *task = (void *)bpf_get_current_task();

	return (void *)BPF_CORE_READ(task, stack) + KERNEL_STACK_BYTES - bpf_core_type_size(struct pt_regs);
#else
	return NULL;
#endif
}

/* Number of the syscall in these registers; -1 outside of one, and where it cannot be found. */
static __always_inline __s32 syscall_number(struct pt_regs *regs)
{
	return regs ? (__s32)BPF_CORE_READ(regs, SYSCALL_FIELD) : -1;
}

/* The same for what current_registers() has answered: a plain load where the verifier knows it as registers. */
static __always_inline __s32 current_syscall_number(struct pt_regs *regs)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (__s32)regs->SYSCALL_FIELD;
	return syscall_number(regs);
}

static __always_inline __u32 syscall_abi(struct task_struct *task)
{
	return TASK_IS_32BIT(task) ? SYSCALL_ABI_32BIT : SYSCALL_ABI_NATIVE;
}

static __always_inline __u32 current_syscall_abi(void)
{
	struct task_struct *task;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return syscall_abi((void *)bpf_get_current_task());
	task = (void *)bpf_get_current_task_btf();
	return KNOWN_TASK_IS_32BIT(task) ? SYSCALL_ABI_32BIT : SYSCALL_ABI_NATIVE;
}

static __always_inline struct syscall_traits *traits_of_syscall(__u32 abi, __s32 number)
{
	__u32 row = abi * SYSCALL_NUMBERS + number;

	return (__u32)number < SYSCALL_NUMBERS ? bpf_map_lookup_elem(&syscall_traits, &row) : NULL;
}

/* As in the registers; zeroes where these cannot be found. */
static __always_inline void read_arguments(__u64 *arguments, struct pt_regs *regs, __u32 abi)
{
	__builtin_memset(arguments, 0, SYSCALL_ARGUMENTS * sizeof(*arguments));
	if (!regs)
		return;
#if defined(__TARGET_ARCH_x86)
	if (abi == SYSCALL_ABI_32BIT) {
		arguments[0] = BPF_CORE_READ(regs, bx);
		arguments[1] = BPF_CORE_READ(regs, cx);
		arguments[2] = BPF_CORE_READ(regs, dx);
		arguments[3] = BPF_CORE_READ(regs, si);
		arguments[4] = BPF_CORE_READ(regs, di);
		arguments[5] = BPF_CORE_READ(regs, bp);
	} else {
		arguments[0] = BPF_CORE_READ(regs, di);
		arguments[1] = BPF_CORE_READ(regs, si);
		arguments[2] = BPF_CORE_READ(regs, dx);
		arguments[3] = BPF_CORE_READ(regs, r10);
		arguments[4] = BPF_CORE_READ(regs, r8);
		arguments[5] = BPF_CORE_READ(regs, r9);
	}
#elif defined(__TARGET_ARCH_arm64)
	/* The first register takes the result. */
	arguments[0] = BPF_CORE_READ(regs, orig_x0);
	BPF_CORE_READ_INTO(&arguments[1], regs, regs[1]);
	BPF_CORE_READ_INTO(&arguments[2], regs, regs[2]);
	BPF_CORE_READ_INTO(&arguments[3], regs, regs[3]);
	BPF_CORE_READ_INTO(&arguments[4], regs, regs[4]);
	BPF_CORE_READ_INTO(&arguments[5], regs, regs[5]);
#endif
}

/* clone3 keeps its flags in memory, first of all; they take the place of the pointer. */
static __always_inline void read_syscall(__u64 *arguments, struct pt_regs *regs, __u32 abi, __s32 number)
{
	__u64 flags = 0;

	read_arguments(arguments, regs, abi);
	if (number == SYSCALL_CLONE3) {
		bpf_probe_read_user(&flags, sizeof(flags), (void *)arguments[0]);
		arguments[0] = flags;
	}
}

#endif
