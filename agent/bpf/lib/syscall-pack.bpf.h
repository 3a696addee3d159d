/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_SYSCALL_PACK_BPF_H
#define TALLYMAN_SYSCALL_PACK_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "stdio.bpf.h"
#include "syscall.bpf.h"
#include "task.bpf.h"

/*
 * System calls that matter and that no other hook sees. They are looked at when they return: their arguments are still in
 * the saved registers then, and one hook tells both what was asked and how it ended.
 */

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030
#define PTRACE_TRACEME 0
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206

static __always_inline bool is_in_pack(__s32 number)
{
	switch (number) {
#ifdef __NR_dup2
	case __NR_dup2:
#endif
	case __NR_dup:
	case __NR_dup3:
#ifdef __NR_fcntl
	case __NR_fcntl:
#else
	case __NR3264_fcntl:
#endif
	case __NR_ptrace:
	case __NR_process_vm_readv:
	case __NR_process_vm_writev:
	case __NR_memfd_create:
	case __NR_io_uring_setup:
	case __NR_userfaultfd:
		return true;
	default:
		return false;
	}
}

static __always_inline bool is_duplication(__s32 number, const __u64 *arguments)
{
	switch (number) {
#ifdef __NR_dup2
	case __NR_dup2:
#endif
	case __NR_dup:
	case __NR_dup3:
		return true;
#ifdef __NR_fcntl
	case __NR_fcntl:
#else
	case __NR3264_fcntl:
#endif
		return arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC;
	default:
		return false;
	}
}

/* Of the many duplications of descriptors only those count that made a socket standard input, output or error. */
static __always_inline bool moves_socket(struct syscall_record *record, struct task_struct *task)
{
	struct file *files[STDIO_DESCRIPTORS];
	struct sock *sk;

	if (record->result < 0 || record->result >= STDIO_DESCRIPTORS)
		return false;
	read_stdio_files(files, task);
	sk = stdio_sock(record->result == 0 ? files[0] : record->result == 1 ? files[1] : files[2]);
	if (sk)
		fill_stdio(&record->socket, sk);
	return sk != NULL;
}

static __always_inline bool matters(struct syscall_record *record, struct task_struct *task)
{
	switch (record->syscall) {
	case __NR_ptrace:
		return record->arguments[0] == PTRACE_TRACEME || record->arguments[0] == PTRACE_ATTACH ||
		       record->arguments[0] == PTRACE_SEIZE;
	case __NR_process_vm_readv:
	case __NR_process_vm_writev:
	case __NR_io_uring_setup:
	case __NR_userfaultfd:
		return true;
	case __NR_memfd_create:
		bpf_probe_read_user_str(record->name, sizeof(record->name), (void *)record->arguments[0]);
		return true;
	default:
		return is_duplication(record->syscall, record->arguments) && moves_socket(record, task);
	}
}

/* A system call of the pack that returns. */
static __always_inline int syscall_returns(__s32 number, __s64 result)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct process_entry *entry = task_process_entry(task);
	struct syscall_record record = { .syscall = number, .result = result };
	struct repeat_key key = { .type = RECORD_SYSCALL };
	struct novelty novelty = {};
	__u64 cgroup_id;

	if (!entry)
		return 0;
	read_arguments(record.arguments, current_registers(), SYSCALL_ABI_NATIVE);
	if (!matters(&record, task))
		return 0;
	cgroup_id = task_cgroup_id(task);
	key.container_key = container_key_of(cgroup_id);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	key.fact[0] = number;
	key.fact[1] = result < 0 ? -result : 0;
	key.fact[2] = number == __NR_ptrace ? record.arguments[0] : record.socket.peer_port;
	__builtin_memcpy(key.address, record.socket.peer_address, sizeof(key.address));
	if (!first_or_due(&key, &record.repeats))
		return 0;
	fill_header(&record.header, task, RECORD_SYSCALL, sizeof(record));
	novelty.device = entry->executable_device;
	novelty.fact[0] = entry->executable_inode;
	novelty.fact[1] = (__u64)key.fact[1] << 32 | (__u32)number;
	if (!admit_record(RECORD_SYSCALL, cgroup_id, &novelty) ||
	    !copy_record(&record, RECORD_SYSCALL, sizeof(record), cgroup_id))
		forget_repeat(&key);
	return 0;
}

#endif
