// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/connect.bpf.h"

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return destination4_used(ctx);
}

char _license[] SEC("license") __weak = "GPL";
