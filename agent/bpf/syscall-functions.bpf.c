// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/syscall-pack.bpf.h"

/* One program for the function of each system call of the pack: no other system call pays. */
#define AT_RETURN_OF(name, number)                                                \
	SEC("fexit/" SYSCALL_FUNCTION(name))                                      \
	int BPF_PROG(syscall_##name, const struct pt_regs *regs, long result)     \
	{                                                                         \
		return syscall_returns(number, result);                           \
	}

#ifdef __NR_dup2
AT_RETURN_OF(dup2, __NR_dup2)
#endif
#ifdef __NR_fcntl
AT_RETURN_OF(fcntl, __NR_fcntl)
#else
AT_RETURN_OF(fcntl, __NR3264_fcntl)
#endif
AT_RETURN_OF(dup, __NR_dup)
AT_RETURN_OF(dup3, __NR_dup3)
AT_RETURN_OF(ptrace, __NR_ptrace)
AT_RETURN_OF(process_vm_readv, __NR_process_vm_readv)
AT_RETURN_OF(process_vm_writev, __NR_process_vm_writev)
AT_RETURN_OF(memfd_create, __NR_memfd_create)
AT_RETURN_OF(io_uring_setup, __NR_io_uring_setup)
AT_RETURN_OF(userfaultfd, __NR_userfaultfd)

char _license[] SEC("license") __weak = "GPL";
