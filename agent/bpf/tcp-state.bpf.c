// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/attempt.bpf.h"
#include "lib/listener.bpf.h"

/* An attempt that was reported has come to something. */
static __always_inline void attempt_ended(const struct sock *sk, __u64 cookie, int new_state)
{
	struct socket_owner *owner = bpf_map_lookup_elem(&attempts, &cookie);
	bool established = new_state == TCP_ESTABLISHED;
	__u32 outcome = established ? TCP_OUTCOME_ESTABLISHED : TCP_OUTCOME_FAILED;
	struct repeat_key repeat = {};
	struct tcp_ends ends = {};
	__u32 repeats;

	if (!owner || !read_ends(&ends, sk))
		return;
	fill_repeat_key(&repeat, &owner->entry, &owner->header, ends.family, outcome);
	repeat.fact[2] = ends.remote_port;
	__builtin_memcpy(repeat.address, ends.remote_address, sizeof(repeat.address));
	if (first_or_due(&repeat, &repeats))
		emit_state(&owner->header, &ends, outcome, established ? 0 : sk->sk_err, repeats);
	bpf_map_delete_elem(&attempts, &cookie);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, const struct sock *sk, int old_state, int new_state)
{
	__u64 cookie;

	if (old_state == TCP_SYN_SENT || old_state == TCP_SYN_RECV) {
		cookie = known_cookie(sk);
		/* Two ends that open to each other pass through SYN_RECV. */
		if (cookie && new_state != TCP_SYN_RECV)
			attempt_ended(sk, cookie, new_state);
		if (old_state == TCP_SYN_RECV && new_state == TCP_ESTABLISHED)
			accepted(sk);
	} else if (new_state == TCP_LISTEN) {
		listening(sk);
	} else if (old_state == TCP_LISTEN && new_state == TCP_CLOSE) {
		not_listening(sk);
	}
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
