/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_ENDPOINT_BPF_H
#define TALLYMAN_ENDPOINT_BPF_H

#include "kernel.bpf.h"

/* Aligned for same_address. */
struct endpoint {
	/* IPv4 in the first four bytes. */
	__u8 address[16];
	__u32 family;
	/* Network byte order. */
	__u32 port;
} __attribute__((aligned(8)));

/* An IPv4 address mapped into IPv6 becomes the IPv4 address it is, so that both ways to one place are the same. */
static __always_inline void set_ip6(struct endpoint *endpoint, const __u32 words[4])
{
	__u32 *address = (__u32 *)endpoint->address;

	if (words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff)) {
		endpoint->family = AF_INET;
		address[0] = words[3];
		return;
	}
	endpoint->family = AF_INET6;
	__builtin_memcpy(endpoint->address, words, sizeof(endpoint->address));
}

static __always_inline bool same_address(const __u8 *a, const __u8 *b)
{
	const __u64 *left = (const __u64 *)a, *right = (const __u64 *)b;

	return left[0] == right[0] && left[1] == right[1];
}

#endif
