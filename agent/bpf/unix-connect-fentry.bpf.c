// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/unix-connect.bpf.h"

/* The one place where a connection to a unix socket and the socket that listens are seen together. */
SEC("fentry/security_unix_stream_connect")
int BPF_PROG(unix_connect_fentry, struct sock *sk, struct sock *other, struct sock *fresh)
{
	return unix_stream_connected(other);
}

char _license[] SEC("license") __weak = "GPL";
