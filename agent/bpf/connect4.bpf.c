// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/connect.bpf.h"

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = { ctx->user_ip4 };

	return connect_attempted((__u8 *)address, ctx->user_port, AF_INET, ctx->protocol);
}

char _license[] SEC("license") __weak = "GPL";
