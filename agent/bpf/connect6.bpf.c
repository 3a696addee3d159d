// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/connect.bpf.h"

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	/* Field by field: the verifier allows the context only aligned word accesses. */
	__u32 address[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };

	return connect_attempted((__u8 *)address, ctx->user_port, AF_INET6, ctx->protocol);
}

char _license[] SEC("license") __weak = "GPL";
