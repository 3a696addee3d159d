// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/unix-connect.bpf.h"

/* For kernels without fentry. */
SEC("kprobe/security_unix_stream_connect")
int BPF_KPROBE(unix_connect_kprobe, struct sock *sk, struct sock *other, struct sock *fresh)
{
	return unix_stream_connected(other);
}

char _license[] SEC("license") __weak = "GPL";
