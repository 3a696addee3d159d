// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/bind.bpf.h"

SEC("cgroup/post_bind4")
int bind4(struct bpf_sock *ctx)
{
	struct endpoint local = { .family = AF_INET };

	*(__u32 *)local.address = ctx->src_ip4;
	return socket_bound(ctx, &local);
}

char _license[] SEC("license") __weak = "GPL";
