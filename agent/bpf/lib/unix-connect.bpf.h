/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_UNIX_CONNECT_BPF_H
#define TALLYMAN_UNIX_CONNECT_BPF_H

#include "dedupe.bpf.h"
#include "emit.bpf.h"
#include "path.bpf.h"
#include "socket-owner.bpf.h"

#define UNIX_PATH_BYTES 2048
#define UNIX_PATH_MASK (UNIX_PATH_BYTES - 1)
#define SUN_PATH_BYTES 108

/* One record under construction per CPU. The slack lets the verifier accept a masked offset plus the longest read. */
struct unix_connect_scratch {
	/* Bytes of path written so far. */
	__u32 offset;
	__u32 reserved;
	struct unix_connect_record record;
	__u8 path[UNIX_PATH_BYTES];
	__u8 slack[PATH_COMPONENT_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct unix_connect_scratch);
} unix_connect_scratches __weak SEC(".maps");

static __always_inline struct unix_connect_scratch *unix_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&unix_connect_scratches, &zero);
}

/* Copies the name of an address, of which size bytes count: neither a path nor an abstract name need end with NUL. */
static __always_inline void copy_name(struct unix_connect_scratch *scratch, const struct sockaddr_un *address, __s64 size)
{
	const char *name = (void *)address + bpf_core_field_offset(struct sockaddr_un, sun_path);
	char first = 0;
	long length;

	asm volatile("" : "+r"(size));
	if (size <= 0 || size > SUN_PATH_BYTES)
		return;
	bpf_probe_read_kernel(&first, sizeof(first), name);
	if (first) {
		length = bpf_probe_read_kernel_str(scratch->path, size + 1, name);
		scratch->offset = length > 0 ? length : 0;
		return;
	}
	scratch->record.flags |= UNIX_CONNECT_ABSTRACT;
	if (bpf_probe_read_kernel(scratch->path, size - 1, name + 1) == 0)
		scratch->offset = size - 1;
}

/* The name as one number. What lies behind it in the buffer is cleared before. */
static __always_inline __u64 hash_name(const __u8 *path)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (int i = 0; i < 14; i++) {
		hash = (hash ^ *(const __u64 *)(path + 8 * i)) * 0x100000001b3ULL;
		hash ^= hash >> 29;
	}
	return hash;
}

/* The scratch holds the path; identity is what makes two sockets the same. */
static __always_inline void unix_connected(struct unix_connect_scratch *scratch, const struct process_entry *entry,
					   __u64 identity, __u64 identity_too)
{
	struct unix_connect_record *record = &scratch->record;
	struct repeat_key key = { .type = RECORD_UNIX_CONNECT };
	__u64 size = scratch->offset;

	key.container_key = entry_container_key(entry);
	key.executable_inode = entry->executable_inode;
	key.executable_device = entry->executable_device;
	__builtin_memcpy(key.address, &identity, sizeof(identity));
	__builtin_memcpy(key.address + sizeof(identity), &identity_too, sizeof(identity_too));
	if (!first_or_due(&key, &record->repeats))
		return;
	asm volatile("" : "+r"(size));
	if (size > UNIX_PATH_BYTES)
		return;
	fill_header(&record->header, (void *)bpf_get_current_task(), RECORD_UNIX_CONNECT, sizeof(*record) + size);
	record->path_size = size;
	record->reserved = 0;
	output_record(record, RECORD_UNIX_CONNECT, sizeof(*record) + size, record->header.cgroup_id);
}

/* A stream is about to be connected to a listening socket, whose place the kernel knows. */
static __always_inline int unix_stream_connected(struct sock *other)
{
	struct process_entry *entry = current_process_entry();
	struct unix_sock *listener = (void *)other;
	struct unix_connect_scratch *scratch;
	struct unix_address *address;
	struct inode *inode;
	struct path_walk walk = {};

	scratch = entry ? unix_scratch() : NULL;
	if (!scratch)
		return 0;
	scratch->offset = 0;
	scratch->record.flags = UNIX_CONNECT_RESOLVED;
	walk.dentry = BPF_CORE_READ(listener, path.dentry);
	if (walk.dentry) {
		struct dentry *dentry = walk.dentry;

		walk.mnt = BPF_CORE_READ(listener, path.mnt);
		inode = BPF_CORE_READ(dentry, d_inode);
		/* Up to the top of the mounts: no root of a task is met on the way. */
		if (append_path(scratch->path, UNIX_PATH_MASK, &scratch->offset, UNIX_PATH_BYTES, walk) == PATH_TRUNCATED)
			scratch->record.flags |= UNIX_CONNECT_TRUNCATED;
		unix_connected(scratch, entry, BPF_CORE_READ(inode, i_ino), BPF_CORE_READ(inode, i_sb, s_dev));
		return 0;
	}
	address = BPF_CORE_READ(listener, addr);
	if (!address)
		return 0;
	copy_name(scratch, (void *)address + bpf_core_field_offset(struct unix_address, name),
		  BPF_CORE_READ(address, len) - (int)bpf_core_field_offset(struct sockaddr_un, sun_path));
	unix_connected(scratch, entry, (__u64)other, 0);
	return 0;
}

#endif
