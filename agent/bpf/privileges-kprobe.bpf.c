// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/privileges.bpf.h"

SEC("kprobe/security_bprm_committing_creds")
int BPF_KPROBE(privileges_kprobe, struct linux_binprm *bprm)
{
	compare_committing(bprm);
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
