// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/unix-connect.bpf.h"

#define SOCKET_ALLOWED 1
#define SOCK_STREAM 1
#define SOCK_SEQPACKET 5

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/*
 * For kernels since 6.7 without fentry and kprobes: what the program asked for, before the kernel looked it up. libbpf knows
 * the section since 1.3; user space sets the attach type, so that older ones do as well.
 */
SEC("cgroup/connect4")
int unix_connect_cgroup(struct bpf_sock_addr *ctx)
{
	struct process_entry *entry = current_process_entry();
	struct bpf_sock_addr_kern *kernel;
	struct unix_connect_scratch *scratch;
	__u16 type;

	scratch = entry ? unix_scratch() : NULL;
	if (!scratch)
		return SOCKET_ALLOWED;
	kernel = bpf_cast_to_kern_ctx(ctx);
	type = BPF_CORE_READ(kernel, sk, sk_type);
	if (type != SOCK_STREAM && type != SOCK_SEQPACKET)
		return SOCKET_ALLOWED;
	scratch->offset = 0;
	scratch->record.flags = 0;
	__builtin_memset(scratch->path, 0, SUN_PATH_BYTES + 4);
	copy_name(scratch, BPF_CORE_READ(kernel, uaddr),
		  (__s64)BPF_CORE_READ(kernel, uaddrlen) - bpf_core_field_offset(struct sockaddr_un, sun_path));
	unix_connected(scratch, entry, hash_name(scratch->path), scratch->offset);
	return SOCKET_ALLOWED;
}

char _license[] SEC("license") __weak = "GPL";
