// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/capability.bpf.h"

/* The tracepoint exists since 6.14 and carries the result. */
SEC("tp_btf/cap_capable")
int BPF_PROG(capability_tp, const struct cred *cred, struct user_namespace *target,
	     const struct user_namespace *capable_ns, int capability, int result)
{
	return capability_checked(cred, target, capability, result == 0);
}

char _license[] SEC("license") __weak = "GPL";
