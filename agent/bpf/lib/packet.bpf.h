/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_PACKET_BPF_H
#define TALLYMAN_PACKET_BPF_H

#include "kernel.bpf.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define IPV4_HEADER_BYTES 20
#define IPV6_HEADER_BYTES 40
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_DESTINATION 60
#define IPV6_MAX_EXTENSIONS 6

/* Where the transport header of a packet begins. As wide as a register, so that what is compared is what is added. */
struct transport {
	__u64 offset;
	__u8 protocol;
};

static __always_inline bool is_ipv6_extension(__u8 protocol)
{
	return protocol == IPV6_HOP_BY_HOP || protocol == IPV6_ROUTING || protocol == IPV6_DESTINATION;
}

/* Steps over the extension headers; fragments have been put together before a socket gets them. */
static __always_inline void skip_extensions(struct __sk_buff *skb, struct transport *transport)
{
	for (int i = 0; i < IPV6_MAX_EXTENSIONS && is_ipv6_extension(transport->protocol); i++) {
		/* The next protocol, and the length in units of eight bytes without the first. */
		__u8 extension[2];

		if (bpf_skb_load_bytes(skb, transport->offset, extension, sizeof(extension)))
			return;
		transport->protocol = extension[0];
		transport->offset += (extension[1] + 1) * 8;
	}
}

/* False for what is neither IPv4 nor IPv6. Runs for every packet that a socket gets: only loads from the packet. */
static __always_inline bool find_transport(struct __sk_buff *skb, struct transport *transport)
{
	__u8 *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if ((void *)data + IPV4_HEADER_BYTES > end)
			return false;
		transport->offset = (data[0] & 15) * 4;
		transport->protocol = data[9];
		return true;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || (void *)data + IPV6_HEADER_BYTES > end)
		return false;
	transport->offset = IPV6_HEADER_BYTES;
	transport->protocol = data[6];
	if (is_ipv6_extension(transport->protocol))
		skip_extensions(skb, transport);
	return true;
}

#endif
