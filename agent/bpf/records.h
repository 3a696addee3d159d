/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TALLYMAN_RECORDS_H
#define TALLYMAN_RECORDS_H

/*
 * The only definitions of what crosses from the kernel to user space. The TypeScript decoders are generated from the BTF
 * of these structs, and the agent refuses an object whose structs differ. Times are CLOCK_BOOTTIME nanoseconds; pids are
 * in the initial pid namespace; all numbers are in the byte order of the machine except where a comment says otherwise.
 */

#define RECORD_COMM_BYTES 16
#define RECORD_STRINGS_BYTES 8192
#define RECORD_TTY_BYTES 16
#define RECORD_CGROUP_PATH_BYTES 512
/* More than what servers send over UDP by default (1232). */
#define RECORD_DNS_BYTES 2048

enum record_type {
	RECORD_EXEC = 1,
	RECORD_FORK = 2,
	RECORD_EXIT = 3,
	RECORD_CAPABILITY = 4,
	RECORD_CONNECT = 5,
	RECORD_TCP_STATE = 6,
	RECORD_CGROUP_MKDIR = 7,
	RECORD_CGROUP_RMDIR = 8,
	RECORD_THROTTLE = 9,
	RECORD_NAMESPACE = 10,
	RECORD_SYSCALL = 11,
	RECORD_BIND = 12,
	RECORD_FANOUT = 13,
	RECORD_DNS = 14,
	RECORD_UNIX_CONNECT = 15,
	RECORD_TYPE_MAX = 16,
};

/* Why a record that should have been sent was not. */
enum loss_reason {
	LOSS_RING_FULL = 0,
	/* No room in a table the record depends on: the process cannot be told from the runtime's set-up work. */
	LOSS_TABLE_FULL = 1,
	/* The record would not fit its buffer; the limits of its parts rule this out. */
	LOSS_OVERSIZE = 2,
	/* The container had used up its budget for records of this kind. */
	LOSS_THROTTLED = 3,
	LOSS_REASON_MAX = 4,
};

struct record_header {
	__u32 type;
	/* Bytes of the whole record, header included. */
	__u32 size;
	__u64 ktime_ns;
	__u64 cgroup_id;
	__u64 start_ktime_ns;
	__u32 pid;
	__u32 tid;
	char comm[RECORD_COMM_BYTES];
	/* Whose ledger counts the record: where it was submitted, which is not always where the rest of it was filled in. */
	__u32 cpu;
	__u32 reserved;
};

struct credential_ids {
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 suid;
	__u32 sgid;
};

struct capability_sets {
	__u64 effective;
	__u64 permitted;
	__u64 inheritable;
	__u64 bounding;
	__u64 ambient;
};

struct stdio_socket {
	__u32 is_socket;
	__u16 family;
	/* Network byte order. */
	__u16 peer_port;
	/* Who made or accepted the other end of a unix socket; 0 where the kernel does not say. */
	__u32 peer_pid;
	/* Bytes of the name of a unix socket's other end among the strings; 0 where it has none. */
	__u32 peer_name_size;
	/* IPv4 in the first four bytes. */
	__u8 peer_address[16];
};

/* The file that is executed. Times are Unix nanoseconds. */
struct executable_file {
	__u64 inode;
	__u64 filesystem_magic;
	__s64 mtime_ns;
	__s64 ctime_ns;
	__u32 device;
	__u32 mode;
	__u32 link_count;
	/* Those of enum exec_flag that say where it lies. */
	__u32 flags;
};

struct privileges {
	struct credential_ids credentials;
	struct capability_sets capabilities;
};

struct namespace_ids {
	__u32 mount;
	__u32 pid;
	__u32 network;
	__u32 user;
};

enum exec_flag {
	EXEC_HAS_TTY = 1 << 0,
	EXEC_SECURE = 1 << 1,
	/* The task had executed nothing inside the container before: put there by the runtime. */
	EXEC_FROM_OUTSIDE = 1 << 2,
	EXEC_ARGV_TRUNCATED = 1 << 3,
	EXEC_PATH_TRUNCATED = 1 << 4,
	EXEC_CWD_TRUNCATED = 1 << 5,
	/* The file has an upper dentry: it was written or changed in the writable overlay layer. */
	EXEC_OVERLAY_UPPER = 1 << 6,
	/* The file lies on the mount that is the task's root. */
	EXEC_ROOT_MOUNT = 1 << 7,
	/* The file hangs on no directory: a memfd or another anonymous file. */
	EXEC_DISCONNECTED = 1 << 8,
	/* What the process might do before is known: privileges_before, or the same as after. */
	EXEC_BEFORE_KNOWN = 1 << 9,
	EXEC_PRIVILEGES_CHANGED = 1 << 10,
};

/*
 * Behind the struct come the strings: the path of the executable as components, leaf first, each ended by NUL
 * (path_size bytes); the filename given to execve; the interpreter that a script names; argv as in the process' memory
 * (arguments ended by NUL); the working directory as components like the path; the names of the other ends of unix
 * sockets in stdio, '@' for the NUL of an abstract one.
 */
struct exec_record {
	struct record_header header;
	__u64 parent_start_ktime_ns;
	__u32 parent_pid;
	__u32 container_pid;
	/* Executions so far along the task's line of descent, this one included. */
	__u64 exec_id;
	/* The thread that executed; it has become the process' only one. */
	__u32 former_tid;
	__u32 session_id;
	/* As audit keeps it; 0xffffffff when nobody logged in, or the kernel does not keep it. */
	__u32 login_uid;
	__u32 flags;
	struct privileges privileges;
	struct privileges privileges_before;
	struct namespace_ids namespaces;
	struct executable_file file;
	struct stdio_socket stdio[3];
	char tty[RECORD_TTY_BYTES];
	__u32 path_size;
	__u32 filename_size;
	__u32 interpreter_size;
	__u32 argv_size;
	__u32 cwd_size;
	/* How deep the user namespace is nested; 0 is the host's. */
	__u32 user_level;
};

/* The header is the parent's. */
struct fork_record {
	struct record_header header;
	__u64 child_start_ktime_ns;
	__u32 child_pid;
	__u32 child_container_pid;
};

struct exit_record {
	struct record_header header;
	/* As in wait(2): the signal in the low 7 bits, 0x80 when memory was dumped, the exit code in the next 8. */
	__u32 status;
	__u32 reserved;
};

#define SYSCALL_ARGUMENTS 6

/* How a syscall was made; each has numbers of its own. */
enum syscall_abi {
	SYSCALL_ABI_NATIVE = 0,
	/* i386 on x86-64, arm on arm64. */
	SYSCALL_ABI_32BIT = 1,
};

/* How the user namespace a capability was asked for stands to the task's own. */
enum user_ns_relation {
	USER_NS_OWN = 0,
	USER_NS_ANCESTOR = 1,
	USER_NS_DESCENDANT = 2,
	USER_NS_UNRELATED = 3,
};

struct capability_record {
	struct record_header header;
	__u32 capability;
	__s32 syscall;
	__u32 granted;
	/* Further uses of the same kind since the last record of it. */
	__u32 repeats;
	__u32 abi;
	__u32 user_ns_relation;
	/* Depth of the user namespace it was asked for; 0 is the host's initial one. */
	__u32 user_ns_level;
	__u32 reserved;
	/* As in the registers; for clone3 the first is the flags it points to. Meaningless outside of a syscall. */
	__u64 arguments[SYSCALL_ARGUMENTS];
};

/*
 * What the capability hook has to know of a syscall; written by user space, by (abi, number). Bit n of a capability mask
 * is capability n.
 */
struct syscall_traits {
	/* Asked by the kernel on its own account: never reported. */
	__u64 noise;
	/* Refusals that say nothing. */
	__u64 noise_if_denied;
	/* CAP_SYS_ADMIN says nothing as long as the file of argument n-1 lies in memory; 0: no such argument. */
	__u32 memory_file_argument;
	/* CAP_SYS_ADMIN says nothing unless flags in the first argument ask for new namespaces. */
	__u32 new_namespaces;
	/* The arguments that make two uses different, and which of their bits do; mask 0 for none. */
	__u64 key_argument[2];
	__u64 key_mask[2];
};

/* Every namespace a process is in; nsfs inode numbers. */
struct namespace_set {
	__u32 mount;
	__u32 pid;
	__u32 network;
	__u32 user;
	__u32 cgroup;
	__u32 ipc;
	__u32 uts;
	__u32 time;
};

/*
 * A process that is in other namespaces than it was. The header is that of the process, which clone made there, or which
 * went by itself some time since it was last looked at.
 */
struct namespace_record {
	struct record_header header;
	struct namespace_set before;
	struct namespace_set after;
	/* Of the clone that made it; -1 when it went by itself. */
	__s32 syscall;
	__u32 abi;
	__u64 clone_flags;
	/* CLONE_NEW* bits: those that differ, and those of them that are the host's now. */
	__u32 changed;
	__u32 to_host;
	__u32 repeats;
	__u32 reserved;
};

#define SYSCALL_NAME_BYTES 32

/* A system call that no decision of the kernel tells of. */
struct syscall_record {
	struct record_header header;
	__s32 syscall;
	__u32 abi;
	/* What it returned: a negative error number when it failed. */
	__s64 result;
	__u64 arguments[SYSCALL_ARGUMENTS];
	/* Where a socket became a standard descriptor: its peer. */
	struct stdio_socket socket;
	/* The name of a memfd, ended by NUL. */
	char name[SYSCALL_NAME_BYTES];
	__u32 repeats;
	__u32 reserved;
};

struct connect_record {
	struct record_header header;
	__u8 remote_address[16];
	__u32 family;
	__u32 protocol;
	/* Network byte order. */
	__u32 remote_port;
	__u32 repeats;
};

enum tcp_outcome {
	TCP_OUTCOME_ESTABLISHED = 1,
	TCP_OUTCOME_FAILED = 2,
	TCP_OUTCOME_LISTENING = 3,
	/* The header is that of the process that listens. */
	TCP_OUTCOME_ACCEPTED = 4,
};

struct tcp_state_record {
	struct record_header header;
	__u8 remote_address[16];
	__u8 local_address[16];
	__u32 family;
	__u32 outcome;
	/* Network byte order. */
	__u32 remote_port;
	/* Host byte order, as the kernel keeps it; 0 for a listener without bind, whose port is chosen a moment later. */
	__u32 local_port;
	__u32 repeats;
	/* Failed: the error the socket was left with (errno); 0 when the program gave up itself. */
	__u32 error;
};

/* A local address that a socket was bound to. */
struct bind_record {
	struct record_header header;
	__u8 local_address[16];
	__u32 family;
	__u32 protocol;
	/* Host byte order. */
	__u32 local_port;
	__u32 repeats;
};

/*
 * One program of a container turned to more destinations within a window than are reported one by one. Sent when their
 * number reaches a power of two.
 */
struct fanout_record {
	struct record_header header;
	/* The last destination. */
	__u8 remote_address[16];
	__u32 family;
	__u32 protocol;
	/* Network byte order. */
	__u32 remote_port;
	/* In this window so far. */
	__u32 destinations;
	/* How often the address was another one than that of the destination before. */
	__u32 address_changes;
	__u32 reserved;
};

/*
 * A packet from the port of a name server has reached a socket; the header is that of the process that asked, or has pid 0
 * where that is not known. Behind the struct come payload_size bytes of its payload.
 */
struct dns_record {
	struct record_header header;
	__u64 socket_cookie;
	__u8 resolver_address[16];
	__u32 family;
	__u32 protocol;
	/* TCP: sequence number of the first byte. */
	__u32 sequence;
	__u32 payload_size;
	/* Bytes of payload that the packet had. */
	__u32 total_size;
	__u32 repeats;
};

enum unix_connect_flag {
	/* A socket in no file system: its name begins with a NUL, which is left out here. */
	UNIX_CONNECT_ABSTRACT = 1 << 0,
	/* The path is where the listening socket was bound, as components leaf first; otherwise what the program asked for. */
	UNIX_CONNECT_RESOLVED = 1 << 1,
	UNIX_CONNECT_TRUNCATED = 1 << 2,
};

/* Behind the struct come path_size bytes of path. */
struct unix_connect_record {
	struct record_header header;
	__u32 flags;
	__u32 path_size;
	__u32 repeats;
	__u32 reserved;
};

struct cgroup_record {
	struct record_header header;
	__u32 path_size;
	__u32 reserved;
	char path[RECORD_CGROUP_PATH_BYTES];
};

/*
 * The first record of a type that a container lost because its budget was used up. Sent once for each time of throttling,
 * without a budget of its own; how many records it cost is in the table of losses. The header names cgroup and time only.
 */
struct throttle_record {
	struct record_header header;
	/* The container's own cgroup. */
	__u64 container_key;
	/* enum record_type of what is lost. */
	__u32 lost_type;
	__u32 reserved;
};

/* Value of the per-CPU ledger, by record type: attempted = sent + lost, as soon as nothing is under way. */
struct ledger_entry {
	/* Counted before anything can go wrong. */
	__u64 attempted;
	/* Counted once the record has its place in the ring. */
	__u64 sent;
	__u64 lost[LOSS_REASON_MAX];
};

/* Key and value of the table of processes that have executed a program inside a container, by pid. */
struct process_entry {
	__u64 start_ktime_ns;
	/* cgroup id of the container, as known at the last exec; 0 for processes that ran before. */
	__u64 container_key;
	__u64 executable_inode;
	__u32 executable_device;
	/* enum process_flag */
	__u32 flags;
	/* Changes whenever the namespaces do; 0 until they have been looked at. */
	__u64 namespaces_mark;
	struct namespace_set namespaces;
};

enum process_flag {
	/* Neither its fork nor an exec of it could be sent: user space does not know it and needs not hear of its end. */
	PROCESS_UNTOLD = 1 << 0,
};

/* Kinds of records that share a budget: a flood of one kind does not cost records of another. */
enum budget_class {
	BUDGET_EXEC = 0,
	BUDGET_FORK = 1,
	BUDGET_PRIVILEGE = 2,
	BUDGET_NETWORK = 3,
	BUDGET_OTHER = 4,
	BUDGET_CLASS_MAX = 5,
};

/* Key and value of the table of what containers lost. */
struct loss_key {
	__u64 container_key;
	/* enum record_type */
	__u32 type;
	/* enum loss_reason */
	__u32 reason;
};

struct container_loss {
	__u64 count;
	/* First and last loss of the present episode; losses further apart than LOSS_EPISODE_NS are two. */
	__u64 since_ktime_ns;
	__u64 last_ktime_ns;
};

/* Value of the table of cgroups, written by user space and, for what a container makes below its own, by the programs. */
struct cgroup_entry {
	/* enum cgroup_verdict */
	__u32 verdict;
	__u32 reserved;
	/* cgroup id of the container it belongs to, whose budgets and repeats it shares; 0: it stands for itself. */
	__u64 container_key;
};

enum sampled_flag {
	/* The process is past the runtime's set-up: it has an entry in the table of processes. */
	SAMPLED_LISTED = 1 << 0,
	/* The file it runs has no name any more. */
	SAMPLED_EXECUTABLE_UNLINKED = 1 << 1,
	SAMPLED_NO_NEW_PRIVILEGES = 1 << 2,
	/* The first thread has ended and others go on: its namespaces are gone with it. */
	SAMPLED_LEADER_EXITED = 1 << 3,
	/* Standard input, output and error are sockets. */
	SAMPLED_STDIN_SOCKET = 1 << 4,
	SAMPLED_STDOUT_SOCKET = 1 << 5,
	SAMPLED_STDERR_SOCKET = 1 << 6,
};

struct sampled_namespaces {
	__u32 mount;
	__u32 pid;
	__u32 network;
	__u32 user;
	__u32 cgroup;
	__u32 uts;
	__u32 ipc;
	/* How deep the user namespace is nested; 0 is the host's. */
	__u32 user_level;
};

struct sampled_head {
	/* Hash of everything behind the name: the same as long as nothing of it has changed. */
	__u64 fingerprint;
	__u64 ktime_ns;
	/* Of the process. */
	__u64 start_ktime_ns;
	__u32 pid;
	__u32 tid;
};

/*
 * What the task iterator tells of one task of a container. Threads other than the first are told only where they differ
 * from it. This does not travel in the ring buffer: it is read from the iterator's descriptor, one after the other.
 */
struct sampled_task {
	struct sampled_head head;
	char comm[RECORD_COMM_BYTES];

	__u64 cgroup_id;
	/* Executions so far along the task's line of descent: grows by one with each. */
	__u64 exec_id;
	__u64 parent_start_ktime_ns;
	__u64 parent_cgroup_id;
	__u64 tracer_start_ktime_ns;
	__u64 tracer_cgroup_id;
	__u64 executable_inode;
	__u32 executable_device;
	__u32 parent_pid;
	__u32 container_pid;
	/* 0: not traced. */
	__u32 tracer_pid;
	/* As the kernel keeps it in task_struct: PT_PTRACED, PT_SEIZED. */
	__u32 ptrace_flags;
	__u32 secure_bits;
	__u32 seccomp_mode;
	__u32 flags;
	struct credential_ids credentials;
	struct capability_sets capabilities;
	struct sampled_namespaces namespaces;
};

/* Key and value of the table of sockets that listen inside containers. */
struct listener_key {
	__u32 network_ns;
	/* Host byte order; 0 while it is not known. */
	__u16 port;
	__u16 family;
	/* IPv4 in the first four bytes. */
	__u8 address[16];
};

struct listener {
	/* Of the process that listens; type, size and time mean nothing. */
	struct record_header header;
	struct process_entry entry;
	/* More than one with SO_REUSEPORT. */
	__u32 sockets;
	/* Addresses of peers reported so far. */
	__u32 remotes;
};

enum cgroup_verdict {
	/* Not judged yet. */
	CGROUP_OPEN = 0,
	CGROUP_WATCH = 1,
	CGROUP_IGNORE = 2,
};

#endif
