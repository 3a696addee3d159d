// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/syscall-pack.bpf.h"

/* A ring is rare, and has a tracepoint: this one needs no system call hook. */
SEC("tp_btf/io_uring_create")
int BPF_PROG(io_uring, int fd)
{
	return syscall_returns(__NR_io_uring_setup, fd);
}

char _license[] SEC("license") __weak = "GPL";
