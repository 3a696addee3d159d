/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_STDIO_BPF_H
#define TALLYMAN_STDIO_BPF_H

#include "kernel.bpf.h"

#define STDIO_DESCRIPTORS 3

/*
 * The first descriptors; there are always more in a table. Read as numbers: the rest of the walk is rarely taken, and
 * differs from kernel to kernel in which of these pointers the verifier lets a program follow.
 */
static __always_inline void read_stdio_files(struct file *files[STDIO_DESCRIPTORS], struct task_struct *task)
{
	struct file **descriptors = BPF_CORE_READ(task, files, fdt, fd);

	if (bpf_probe_read_kernel(files, STDIO_DESCRIPTORS * sizeof(*files), descriptors))
		__builtin_memset(files, 0, STDIO_DESCRIPTORS * sizeof(*files));
}

/* NULL where the descriptor is no socket. */
static __always_inline struct sock *stdio_sock(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void fill_stdio(struct stdio_socket *to, struct sock *sk)
{
	struct pid *peer;

	to->is_socket = 1;
	to->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (to->family == AF_INET) {
		BPF_CORE_READ_INTO((__u32 *)to->peer_address, sk, __sk_common.skc_daddr);
	} else if (to->family == AF_INET6) {
		BPF_CORE_READ_INTO((struct in6_addr *)to->peer_address, sk, __sk_common.skc_v6_daddr);
	} else {
		peer = to->family == AF_UNIX ? BPF_CORE_READ(sk, sk_peer_pid) : NULL;
		if (peer)
			to->peer_pid = BPF_CORE_READ(peer, numbers[0].nr);
		return;
	}
	to->peer_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
}

struct unix_name {
	/* NULL where the other end has none, or is gone. */
	char *start;
	/* Nothing ends an abstract name but its length. */
	__u32 length;
};

static __always_inline struct unix_name unix_peer_name(struct sock *sk)
{
	struct unix_name none = {}, name;
	struct unix_address *address;
	struct unix_sock *peer;
	__u32 path_offset;

	if (!bpf_core_type_exists(struct unix_sock))
		return none;
	peer = (void *)BPF_CORE_READ((struct unix_sock *)sk, peer);
	address = peer ? BPF_CORE_READ(peer, addr) : NULL;
	if (!address)
		return none;
	path_offset = bpf_core_field_offset(struct sockaddr_un, sun_path);
	name.start = (char *)address + bpf_core_field_offset(struct unix_address, name) + path_offset;
	name.length = BPF_CORE_READ(address, len) - path_offset;
	return name;
}

#endif
