// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/capability.bpf.h"

/* For kernels without the tracepoint and without fentry. */
SEC("kprobe/cap_capable")
int BPF_KPROBE(capability_kprobe, const struct cred *cred, struct user_namespace *target, int capability,
	       unsigned int options)
{
	return capability_checked(cred, target, capability, -1);
}

char _license[] SEC("license") __weak = "GPL";
