// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * Programs that do nothing, at the places where those of the agent are attached: what they cost is what the kernel takes for
 * calling any program there.
 */
#define ALLOWED 1

#define EMPTY(name, section, result)       \
	SEC(section) int name(void *context) \
	{                                    \
		return result;               \
	}

EMPTY(empty_exec, "tp_btf/sched_process_exec", 0)
EMPTY(empty_fork, "tp_btf/sched_process_fork", 0)
EMPTY(empty_exit, "tp_btf/sched_process_exit", 0)
EMPTY(empty_capability, "?tp_btf/cap_capable", 0)
EMPTY(empty_privileges, "?tp_btf/sched_prepare_exec", 0)
EMPTY(empty_tcp_state, "tp_btf/inet_sock_set_state", 0)
EMPTY(empty_connect4, "cgroup/connect4", ALLOWED)
EMPTY(empty_sendmsg4, "cgroup/sendmsg4", ALLOWED)
EMPTY(empty_post_bind4, "cgroup/post_bind4", ALLOWED)
EMPTY(empty_ingress, "cgroup_skb/ingress", ALLOWED)

char _license[] SEC("license") = "GPL";
