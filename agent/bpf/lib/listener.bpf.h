/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_LISTENER_BPF_H
#define TALLYMAN_LISTENER_BPF_H

#include "tcp-state.bpf.h"

/* Peers of one listener that are reported by their address; those of others only by their number. */
#define LISTENER_REMOTES 64

/*
 * Listening sockets by where they listen. A connection is accepted in a soft interrupt and its socket names neither the
 * listening one nor a process. Written by user space too, for sockets that listened before.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners __weak SEC(".maps");

/* Whether a container has ever listened on a port, so that connections to all others cost nothing. 0: on a port unknown. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u8);
} listener_ports __weak SEC(".maps");

static __always_inline void fill_listener_key(struct listener_key *key, const struct tcp_ends *ends,
					      const struct sock *sk)
{
	key->network_ns = sk->__sk_common.skc_net.net->ns.inum;
	key->port = ends->local_port;
	key->family = ends->family;
	__builtin_memcpy(key->address, ends->local_address, sizeof(key->address));
}

static __always_inline void remember_listener(const struct listener_key *key, struct listener *fresh)
{
	struct listener *known = bpf_map_lookup_elem(&listeners, key);
	__u32 port = key->port;
	__u8 *listened = bpf_map_lookup_elem(&listener_ports, &port);

	if (listened)
		*listened = 1;
	fresh->remotes = 0;
	/* Several sockets share a place with SO_REUSEPORT. */
	fresh->sockets = known ? known->sockets + 1 : 1;
	if (bpf_map_update_elem(&listeners, key, fresh, BPF_ANY))
		lose_knowledge(RECORD_TCP_STATE, LOSS_TABLE_FULL, fresh->header.cgroup_id);
}

static __always_inline void listening(const struct sock *sk)
{
	struct process_entry *entry = current_process_entry();
	struct listener_key key = {};
	struct repeat_key repeat = {};
	struct listener fresh = {};
	struct tcp_ends ends = {};
	__u32 repeats;

	if (!entry || !read_ends(&ends, sk))
		return;
	fill_header(&fresh.header, (void *)bpf_get_current_task(), 0, 0);
	fresh.entry = *entry;
	fill_listener_key(&key, &ends, sk);
	remember_listener(&key, &fresh);

	fill_repeat_key(&repeat, entry, &fresh.header, ends.family, TCP_OUTCOME_LISTENING);
	repeat.fact[2] = ends.local_port;
	__builtin_memcpy(repeat.address, ends.local_address, sizeof(repeat.address));
	if (first_or_due(&repeat, &repeats))
		emit_state(&fresh.header, &ends, TCP_OUTCOME_LISTENING, 0, repeats);
}

static __always_inline void forget_socket(const struct listener_key *key, struct listener *listener)
{
	if (listener->sockets > 1)
		listener->sockets--;
	else
		bpf_map_delete_elem(&listeners, key);
}

/* The key under which a listener without bind waits for its port to become known. */
static __always_inline void make_portless(struct listener_key *key)
{
	key->port = 0;
	__builtin_memset(key->address, 0, sizeof(key->address));
}

static __always_inline bool has_listened(__u32 port)
{
	__u8 *listened = bpf_map_lookup_elem(&listener_ports, &port);

	return listened && *listened;
}

static __always_inline void not_listening(const struct sock *sk)
{
	struct listener_key key = {};
	struct tcp_ends ends = {};
	struct listener *listener;

	if (!read_ends(&ends, sk))
		return;
	fill_listener_key(&key, &ends, sk);
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (!listener) {
		make_portless(&key);
		listener = bpf_map_lookup_elem(&listeners, &key);
	}
	if (listener)
		forget_socket(&key, listener);
}

static __always_inline struct listener *find_listener(struct listener_key *key, const __u8 *address)
{
	struct listener *listener;

	__builtin_memset(key->address, 0, sizeof(key->address));
	listener = bpf_map_lookup_elem(&listeners, key);
	if (listener)
		return listener;
	__builtin_memcpy(key->address, address, sizeof(key->address));
	return bpf_map_lookup_elem(&listeners, key);
}

/*
 * The kernel chooses the port of a socket that listens without bind after the change of state: its first connection tells
 * the port, and the record of the listening socket is sent again with it.
 */
static __always_inline struct listener *learn_port(struct listener_key *key, const struct tcp_ends *ends)
{
	struct tcp_ends bound = { .family = ends->family, .local_port = ends->local_port };
	struct listener_key portless = *key;
	struct listener *listener, fresh;

	make_portless(&portless);
	listener = bpf_map_lookup_elem(&listeners, &portless);
	if (!listener)
		return NULL;
	fresh = *listener;
	forget_socket(&portless, listener);
	__builtin_memset(key->address, 0, sizeof(key->address));
	remember_listener(key, &fresh);
	emit_state(&fresh.header, &bound, TCP_OUTCOME_LISTENING, 0, 0);
	return bpf_map_lookup_elem(&listeners, key);
}

/*
 * A peer that has not been reported: true when a record is to be sent. Where there were many, their address is left out of
 * both, so that they are counted.
 */
static __always_inline bool remote_is_new(struct listener *listener, struct tcp_ends *ends, struct repeat_key *repeat,
					  __u32 *count)
{
	if (listener->remotes < LISTENER_REMOTES) {
		__sync_fetch_and_add(&listener->remotes, 1);
		remember_first(repeat, bpf_ktime_get_boot_ns());
		return true;
	}
	__builtin_memset(repeat->address, 0, sizeof(repeat->address));
	__builtin_memset(ends->remote_address, 0, sizeof(ends->remote_address));
	ends->remote_port = 0;
	return first_or_due(repeat, count);
}

/* A connection from outside is established. What is said of it is the listener's. */
static __always_inline void accepted(const struct sock *sk)
{
	struct repeat_key repeat = {};
	struct listener_key key = {};
	struct tcp_ends ends = {};
	struct repeat_state *known;
	struct listener *listener;
	__u32 count = 0;

	if (!(has_listened(sk->__sk_common.skc_num) || has_listened(0)) || !read_ends(&ends, sk))
		return;
	fill_listener_key(&key, &ends, sk);
	listener = find_listener(&key, ends.local_address);
	if (!listener && has_listened(0))
		listener = learn_port(&key, &ends);
	if (!listener)
		return;
	fill_repeat_key(&repeat, &listener->entry, &listener->header, ends.family, TCP_OUTCOME_ACCEPTED);
	repeat.fact[2] = ends.local_port;
	__builtin_memcpy(repeat.address, ends.remote_address, sizeof(repeat.address));
	known = bpf_map_lookup_elem(&repeats, &repeat);
	if (known ? repeat_is_due(known, bpf_ktime_get_boot_ns(), &count) :
		    remote_is_new(listener, &ends, &repeat, &count))
		emit_state(&listener->header, &ends, TCP_OUTCOME_ACCEPTED, 0, count);
}

#endif
