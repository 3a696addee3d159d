// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/syscall-pack.bpf.h"

/* Returns of every system call on the node pass here, and through the kernel's slow path to it: most leave at once. */
SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long result)
{
	__s32 number = syscall_number(regs);

	/* 32-bit programs have numbers of their own. */
	if (!is_in_pack(number) || syscall_abi((void *)bpf_get_current_task()) != SYSCALL_ABI_NATIVE)
		return 0;
	return syscall_returns(number, result);
}

char _license[] SEC("license") __weak = "GPL";
