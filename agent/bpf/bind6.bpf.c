// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/bind.bpf.h"

SEC("cgroup/post_bind6")
int bind6(struct bpf_sock *ctx)
{
	/* Field by field: the verifier allows the context only aligned word accesses. */
	__u32 words[4] = { ctx->src_ip6[0], ctx->src_ip6[1], ctx->src_ip6[2], ctx->src_ip6[3] };
	struct endpoint local = {};

	set_ip6(&local, words);
	return socket_bound(ctx, &local);
}

char _license[] SEC("license") __weak = "GPL";
