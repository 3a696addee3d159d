// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/dns.bpf.h"

#define PACKET_ALLOWED 1

/* Runs for every packet that reaches a socket: two comparisons for those that do not come from a name server's port. */
SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	struct transport transport;
	__u8 *data;
	void *end;

	if (!find_transport(skb, &transport))
		return PACKET_ALLOWED;
	if (transport.protocol != IPPROTO_UDP && transport.protocol != IPPROTO_TCP)
		return PACKET_ALLOWED;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	/* Beyond what any header needs, which the verifier wants to know. */
	if (transport.offset > 255)
		return PACKET_ALLOWED;
	data += transport.offset;
	if ((void *)data + 4 > end || *(__u16 *)data != bpf_htons(DNS_PORT))
		return PACKET_ALLOWED;
	answer_received(skb, &transport);
	return PACKET_ALLOWED;
}

char _license[] SEC("license") __weak = "GPL";
