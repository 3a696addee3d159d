/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_EXEC_STRINGS_BPF_H
#define TALLYMAN_EXEC_STRINGS_BPF_H

#include "exec.bpf.h"
#include "path.bpf.h"
#include "stdio.bpf.h"

#define STRINGS_MASK (RECORD_STRINGS_BYTES - 1)
#define EXEC_PATH_BYTES 2048
#define EXEC_FILENAME_BYTES 512
#define EXEC_INTERPRETER_BYTES 256
#define EXEC_CWD_BYTES 1024
/* sun_path, and the NUL that it may lack. */
#define UNIX_NAME_BYTES 109

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
	struct unix_name name = unix_peer_name(sk);
	__u8 first = 0;
	/* A NUL is added, where there is none. */
	__u32 size = name.length + 1;

	if (!name.start)
		return 0;
	if (size < 2 || size > UNIX_NAME_BYTES)
		return 0;
	/* The mask is what the verifier sees of it. */
	asm volatile("" : "+r"(offset), "+r"(size));
	size &= 127;
	bpf_probe_read_kernel(&first, sizeof(first), name.start);
	if (first)
		return append_string(strings, offset, size, name.start);
	strings[offset & STRINGS_MASK] = '@';
	size = append_string(strings, offset + 1, (size - 1) & 127, name.start + 1);
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

static __always_inline void append_paths(struct exec_scratch *scratch, struct task_struct *task, struct file *file)
{
	struct exec_record *record = &scratch->record;
	volatile __u32 *offset = &scratch->offset;
	struct path_walk walk = {
		.dentry = file->f_path.dentry,
		.mnt = file->f_path.mnt,
		.root_dentry = task->fs->root.dentry,
		.root_mnt = task->fs->root.mnt,
	};
	enum path_end end = append_path(scratch->strings, STRINGS_MASK, offset, EXEC_PATH_BYTES, walk);

	if (end == PATH_TRUNCATED)
		record->file.flags |= EXEC_PATH_TRUNCATED;
	else if (end == PATH_DISCONNECTED)
		record->file.flags |= EXEC_DISCONNECTED;
	record->path_size = *offset;
}

static __always_inline void append_cwd(struct exec_scratch *scratch, struct task_struct *task)
{
	struct exec_record *record = &scratch->record;
	volatile __u32 *offset = &scratch->offset;
	struct path_walk walk = {
		.dentry = task->fs->pwd.dentry,
		.mnt = task->fs->pwd.mnt,
		.root_dentry = task->fs->root.dentry,
		.root_mnt = task->fs->root.mnt,
	};

	record->cwd_size = *offset;
	if (append_path(scratch->strings, STRINGS_MASK, offset, EXEC_CWD_BYTES, walk) != PATH_COMPLETE)
		record->flags |= EXEC_CWD_TRUNCATED;
	record->cwd_size = *offset - record->cwd_size;
}

/* Writes all strings behind the record; scratch->offset is then how many bytes they take. */
static __always_inline void fill_strings(struct exec_scratch *scratch, struct task_struct *task,
					 struct linux_binprm *bprm)
{
	struct exec_record *record = &scratch->record;
	volatile __u32 *offset = &scratch->offset;
	const char *filename = bprm->filename;
	const char *interpreter = bprm->interp;

	*offset = 0;
	append_paths(scratch, task, bprm->file);
	record->filename_size = append_string(scratch->strings, *offset, EXEC_FILENAME_BYTES, filename);
	*offset += record->filename_size;
	/* The kernel names another file once a script, or a registered format, has asked for one. */
	record->interpreter_size = 0;
	if (interpreter != filename)
		record->interpreter_size =
			append_string(scratch->strings, *offset, EXEC_INTERPRETER_BYTES, interpreter);
	*offset += record->interpreter_size;
	record->argv_size = append_argv(record, scratch->strings, *offset, task);
	*offset += record->argv_size;
	append_cwd(scratch, task);
	fill_stdio_sockets(scratch, task);
}

#endif
