/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EXEC_BPF_H
#define TALLYMAN_EXEC_BPF_H

#include "emit.bpf.h"
#include "executable.bpf.h"
#include "known-task.bpf.h"
#include "path.bpf.h"
#include "privileges.bpf.h"
#include "stdio.bpf.h"

#define STRINGS_MASK (RECORD_STRINGS_BYTES - 1)
#define EXEC_PATH_BYTES 2048
#define EXEC_FILENAME_BYTES 512
#define EXEC_INTERPRETER_BYTES 256
#define EXEC_ARGV_BYTES 3072
#define EXEC_CWD_BYTES 1024
/* sun_path, and the NUL that it may lack. */
#define UNIX_NAME_BYTES 109

/* One record under construction per CPU. The slack lets the verifier accept a masked offset plus the longest read. */
struct exec_scratch {
	/* Bytes of strings written so far. */
	__u32 offset;
	__u32 reserved;
	struct exec_record record;
	__u8 strings[RECORD_STRINGS_BYTES];
	__u8 slack[EXEC_ARGV_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratches SEC(".maps");

static __always_inline void fill_identity(struct exec_record *record, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;
	struct pid *session = task->signal->pids[SESSION_PID_TYPE];

	if (parent) {
		record->parent_pid = parent->tgid;
		record->parent_start_ktime_ns = known_task_start_ktime_ns(parent);
	}
	record->container_pid = known_task_container_pid(task);
	record->session_id = session ? session->numbers[0].nr : 0;
	record->login_uid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : -1;
	record->namespaces.mount = task->nsproxy->mnt_ns->ns.inum;
	record->namespaces.pid = task->nsproxy->pid_ns_for_children->ns.inum;
	record->namespaces.network = task->nsproxy->net_ns->ns.inum;
}

/* The terminal's name, where there is one; the bytes behind its NUL are zero. */
static __always_inline void fill_tty(struct exec_record *record, struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;

	__builtin_memset(record->tty, 0, sizeof(record->tty));
	if (!tty)
		return;
	record->flags |= EXEC_HAS_TTY;
	BPF_CORE_READ_STR_INTO(&record->tty, tty, name);
}

/* Appends a kernel string of at most `limit` bytes, its NUL included; answers how many bytes it took. */
static __always_inline __u32 append_string(__u8 *strings, __u32 offset, __u32 limit, const char *from)
{
	long length;

	asm volatile("" : "+r"(offset));
	length = bpf_probe_read_kernel_str(&strings[offset & STRINGS_MASK], limit, from);
	return length > 0 ? length : 0;
}

static __always_inline __u32 append_argv(struct exec_record *record, __u8 *strings, __u32 offset,
					 struct task_struct *task)
{
	unsigned long start = task->mm->arg_start;
	unsigned long length = task->mm->arg_end - start;
	__u32 wanted = length;

	if (length > EXEC_ARGV_BYTES - 1) {
		wanted = EXEC_ARGV_BYTES - 1;
		record->flags |= EXEC_ARGV_TRUNCATED;
	}
	asm volatile("" : "+r"(offset), "+r"(wanted));
	if (wanted > EXEC_ARGV_BYTES - 1)
		return 0;
	if (bpf_probe_read_user(&strings[offset & STRINGS_MASK], wanted, (void *)start)) {
		record->flags |= EXEC_ARGV_TRUNCATED;
		return 0;
	}
	return wanted;
}

/* An abstract name begins with NUL, which '@' stands for. */
static __always_inline __u32 append_unix_name(__u8 *strings, __u32 offset, struct sock *sk)
{
	char *name = unix_peer_name(sk);
	__u8 first = 0;
	__u32 size;

	if (!name)
		return 0;
	bpf_probe_read_kernel(&first, sizeof(first), name);
	if (first)
		return append_string(strings, offset, UNIX_NAME_BYTES, name);
	asm volatile("" : "+r"(offset));
	strings[offset & STRINGS_MASK] = '@';
	size = append_string(strings, offset + 1, UNIX_NAME_BYTES - 1, name + 1);
	return size ? size + 1 : 0;
}

/* Sockets among the standard descriptors, and the names of unix ones behind the other strings. */
static __always_inline void fill_stdio_sockets(struct exec_scratch *scratch, struct task_struct *task)
{
	struct exec_record *record = &scratch->record;
	volatile __u32 *offset = &scratch->offset;
	struct file *files[STDIO_DESCRIPTORS];

	__builtin_memset(record->stdio, 0, sizeof(record->stdio));
	read_stdio_files(files, task);
	for (int i = 0; i < STDIO_DESCRIPTORS; i++) {
		struct sock *sk = stdio_sock(files[i]);

		if (!sk)
			continue;
		fill_stdio(&record->stdio[i], sk);
		if (record->stdio[i].family != AF_UNIX)
			continue;
		record->stdio[i].peer_name_size = append_unix_name(scratch->strings, *offset, sk);
		*offset += record->stdio[i].peer_name_size;
	}
}

#endif
