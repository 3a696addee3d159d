/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_DNS_BPF_H
#define TALLYMAN_DNS_BPF_H

#include "dedupe.bpf.h"
#include "dns-socket.bpf.h"
#include "emit.bpf.h"
#include "packet.bpf.h"

#define UDP_HEADER_BYTES 8
/* Bytes of a message that decide whether it is a repeat of another, behind its id. */
#define DNS_HASHED_BYTES 256

/* One record under construction per CPU. */
struct dns_scratch {
	struct dns_record record;
	__u8 payload[RECORD_DNS_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dns_scratch);
} dns_scratches SEC(".maps");

/* Reads the transport header: where the payload begins; 0 when it cannot be read. */
static __always_inline __u32 payload_offset(struct __sk_buff *skb, const struct transport *transport,
					    struct dns_record *record)
{
	__u8 data_offset;

	record->sequence = 0;
	if (transport->protocol == IPPROTO_UDP)
		return transport->offset + UDP_HEADER_BYTES;
	if (bpf_skb_load_bytes(skb, transport->offset + 4, &record->sequence, sizeof(record->sequence)) ||
	    bpf_skb_load_bytes(skb, transport->offset + 12, &data_offset, sizeof(data_offset)))
		return 0;
	record->sequence = bpf_ntohl(record->sequence);
	return transport->offset + (data_offset >> 4) * 4;
}

static __always_inline void load_source(struct __sk_buff *skb, struct dns_record *record)
{
	__builtin_memset(record->resolver_address, 0, sizeof(record->resolver_address));
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		record->family = AF_INET;
		bpf_skb_load_bytes(skb, 12, record->resolver_address, 4);
	} else {
		record->family = AF_INET6;
		bpf_skb_load_bytes(skb, 8, record->resolver_address, 16);
	}
}

/* The answer's bytes behind its id, as one number. What is not there counts as what an earlier record left: it is cleared. */
static __always_inline __u64 hash_message(const __u8 *payload)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (int i = 0; i < DNS_HASHED_BYTES / 8; i++) {
		__u64 word = *(const __u64 *)(payload + 8 * i);

		/* The id is drawn for every query. */
		if (i == 0)
			word &= ~0xffffULL;
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 29;
	}
	return hash;
}

/* Fills the header from the socket's owner, if it is known. False for sockets that belong to no container. */
static __always_inline bool fill_dns_owner(struct __sk_buff *skb, struct dns_record *record)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct socket_owner *owner = bpf_map_lookup_elem(&dns_sockets, &cookie);
	struct cgroup_entry *cgroup;
	__u64 cgroup_id;

	record->socket_cookie = cookie;
	if (owner) {
		record->header = owner->header;
		return true;
	}
	cgroup_id = bpf_skb_cgroup_id(skb);
	cgroup = bpf_map_lookup_elem(&cgroups, &cgroup_id);
	if (!cgroup || cgroup->verdict != CGROUP_WATCH)
		return false;
	__builtin_memset(&record->header, 0, sizeof(record->header));
	record->header.cgroup_id = cgroup_id;
	return true;
}

static __always_inline bool is_news(struct dns_scratch *scratch)
{
	struct repeat_key key = { .type = RECORD_DNS };
	struct dns_record *record = &scratch->record;
	__u64 hash;

	/* Parts of a stream are none without the others. */
	if (record->protocol == IPPROTO_TCP)
		return true;
	hash = hash_message(scratch->payload);
	key.container_key = container_key_of(record->header.cgroup_id);
	key.fact[0] = record->total_size;
	key.fact[1] = record->header.pid;
	__builtin_memcpy(key.address, &hash, sizeof(hash));
	return first_or_due_at(&key, coarse_clock_ns(), &record->repeats);
}

/* A packet from a name server's port has reached a socket. */
static __always_inline void answer_received(struct __sk_buff *skb, const struct transport *transport)
{
	__u32 zero = 0, offset;
	struct dns_scratch *scratch = bpf_map_lookup_elem(&dns_scratches, &zero);
	struct dns_record *record;
	/* As wide as a register, so that what is compared is what is passed on. */
	__u64 size;

	if (!scratch)
		return;
	record = &scratch->record;
	offset = payload_offset(skb, transport, record);
	if (offset == 0 || skb->len <= offset || !fill_dns_owner(skb, record))
		return;
	size = skb->len - offset;
	record->total_size = size;
	record->protocol = transport->protocol;
	record->repeats = 0;
	load_source(skb, record);
	if (size > RECORD_DNS_BYTES)
		size = RECORD_DNS_BYTES;
	/* So that the hash of a short message is that of its bytes. */
	if (size < DNS_HASHED_BYTES)
		__builtin_memset(scratch->payload, 0, DNS_HASHED_BYTES);
	/* In this form the verifier of 5.10 understands that it is not 0. */
	size--;
	asm volatile("" : "+r"(size));
	if (size >= RECORD_DNS_BYTES || bpf_skb_load_bytes(skb, offset, scratch->payload, size + 1))
		return;
	size++;
	record->payload_size = size;
	if (!is_news(scratch))
		return;
	record->header.type = RECORD_DNS;
	record->header.ktime_ns = bpf_ktime_get_boot_ns();
	record->header.size = sizeof(*record) + size;
	output_record(record, RECORD_DNS, sizeof(*record) + size, record->header.cgroup_id);
}

#endif
