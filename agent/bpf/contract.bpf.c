// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include <linux/types.h>
#include "records.h"

/*
 * Names every struct that crosses to user space, so that the object's BTF describes them all and the generated decoders
 * can be compared with it.
 */
const struct exec_record contract_exec = {};
const struct fork_record contract_fork = {};
const struct exit_record contract_exit = {};
const struct capability_record contract_capability = {};
const struct connect_record contract_connect = {};
const struct tcp_state_record contract_tcp_state = {};
const struct syscall_record contract_syscall = {};
const struct namespace_record contract_namespace = {};
const struct syscall_traits contract_syscall_traits = {};
const struct bind_record contract_bind = {};
const struct fanout_record contract_fanout = {};
const struct dns_record contract_dns = {};
const struct unix_connect_record contract_unix_connect = {};
const enum unix_connect_flag contract_unix_connect_flag = UNIX_CONNECT_ABSTRACT;
const struct cgroup_record contract_cgroup = {};
const struct throttle_record contract_throttle = {};
const struct ledger_entry contract_ledger = {};
const struct loss_key contract_loss_key = {};
const struct container_loss contract_container_loss = {};
const struct cgroup_entry contract_cgroup_entry = {};
const struct process_entry contract_process = {};
const struct executable_file contract_executable = {};
const struct privileges contract_privileges = {};
const struct namespace_ids contract_namespaces = {};
const struct sampled_task contract_sampled_task = {};
const enum sampled_flag contract_sampled_flag = SAMPLED_LISTED;
const struct listener_key contract_listener_key = {};
const struct listener contract_listener = {};
const enum record_type contract_record_type = RECORD_EXEC;
const enum exec_flag contract_exec_flag = EXEC_HAS_TTY;
const enum tcp_outcome contract_tcp_outcome = TCP_OUTCOME_FAILED;
const enum syscall_abi contract_syscall_abi = SYSCALL_ABI_NATIVE;
const enum user_ns_relation contract_user_ns_relation = USER_NS_OWN;
const enum loss_reason contract_loss_reason = LOSS_RING_FULL;
const enum cgroup_verdict contract_cgroup_verdict = CGROUP_WATCH;
const enum budget_class contract_budget_class = BUDGET_EXEC;
