// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/attempt.bpf.h"
#include "lib/dedupe.bpf.h"
#include "lib/emit.bpf.h"
#include "lib/task.bpf.h"

/*
 * Who opened a connection that is not established yet. The answer arrives in a soft interrupt, where the current task
 * is whoever was running; so the opener is kept from connect(2), by the address of the socket.
 */
struct opener {
	struct record_header header;
	struct process_entry entry;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct opener);
} openers SEC(".maps");

static __always_inline void read_addresses(struct tcp_state_record *into, const struct sock *sk)
{
	if (into->family == AF_INET) {
		BPF_CORE_READ_INTO((__u32 *)into->remote_address, sk, __sk_common.skc_daddr);
		BPF_CORE_READ_INTO((__u32 *)into->local_address, sk, __sk_common.skc_rcv_saddr);
	} else {
		BPF_CORE_READ_INTO((struct in6_addr *)into->remote_address, sk, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO((struct in6_addr *)into->local_address, sk, __sk_common.skc_v6_rcv_saddr);
	}
	into->remote_port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	into->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
}

static __always_inline void emit_state(const struct record_header *header, const struct process_entry *entry,
				       const struct sock *sk, enum tcp_outcome outcome)
{
	struct tcp_state_record state = { .header = *header, .outcome = outcome };
	struct repeat_key key = { .type = RECORD_TCP_STATE };

	state.header.type = RECORD_TCP_STATE;
	state.header.size = sizeof(state);
	state.header.ktime_ns = bpf_ktime_get_boot_ns();
	state.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (state.family != AF_INET && state.family != AF_INET6)
		return;
	read_addresses(&state, sk);

	key.container_key = container_key_of(header->cgroup_id);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = state.family;
	key.fact[1] = outcome;
	key.fact[2] = outcome == TCP_OUTCOME_LISTENING ? state.local_port : state.remote_port;
	__builtin_memcpy(key.address, state.remote_address, sizeof(key.address));
	if (first_or_due(&key, &state.repeats))
		output_record(&state, RECORD_TCP_STATE, sizeof(state), header->cgroup_id);
}

static __always_inline void remember_opener(const struct sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct opener opener = {};
	struct process_entry *entry;
	__u64 key = (__u64)sk;

	if (!take_reported_attempt(task))
		return;
	entry = task_process_entry(task);
	if (!entry)
		return;
	fill_header(&opener.header, task, RECORD_TCP_STATE, 0);
	opener.entry = *entry;
	bpf_map_update_elem(&openers, &key, &opener, BPF_ANY);
}

static __always_inline void emit_listening(const struct sock *sk)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct process_entry *entry = task_process_entry(task);
	struct record_header header = {};

	if (!entry)
		return;
	fill_header(&header, task, RECORD_TCP_STATE, 0);
	emit_state(&header, entry, sk, TCP_OUTCOME_LISTENING);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, const struct sock *sk, int old_state, int new_state)
{
	__u64 key = (__u64)sk;
	struct opener *opener;

	if (new_state == TCP_SYN_SENT) {
		remember_opener(sk);
	} else if (new_state == TCP_LISTEN) {
		emit_listening(sk);
	} else if (old_state == TCP_SYN_SENT) {
		opener = bpf_map_lookup_elem(&openers, &key);
		if (!opener)
			return 0;
		emit_state(&opener->header, &opener->entry, sk,
			   new_state == TCP_ESTABLISHED ? TCP_OUTCOME_ESTABLISHED : TCP_OUTCOME_FAILED);
		bpf_map_delete_elem(&openers, &key);
	}
	return 0;
}

char _license[] SEC("license") __weak = "GPL";
