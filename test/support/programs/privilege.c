// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the kernel for things that need a capability, each by its name, in the order of the arguments, and prints for each
 * "NAME ok" or "NAME ERRNO". Nothing is changed beyond the container, even where all is granted.
 *
 *   privilege ACTION…
 *   privilege --as UID ACTION…         the same as another user, who keeps no capability
 *   privilege --clone FLAGS PROGRAM …  executes PROGRAM in a child made by clone(2) with these flags (hexadecimal)
 *   privilege --clone3 FLAGS PROGRAM … the same by clone3(2)
 *   privilege --unshare FLAGS PROGRAM … executes PROGRAM after unshare(2); flags 0 and no program: only that
 *   privilege --setns PATH PROGRAM …   executes PROGRAM after setns(2)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static long load_program(void)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_KPROBE };

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* Does something with a child of another user. */
static long with_other(long (*act)(pid_t))
{
	pid_t child = fork();
	long result;

	if (child == 0) {
		if (setresuid(4321, 4321, 4321))
			_exit(1);
		pause();
	}
	usleep(100000);
	result = act(child);
	int kept = errno;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	errno = kept;
	return result;
}

static long attach(pid_t pid)
{
	return ptrace(PTRACE_ATTACH, pid, NULL, NULL);
}

static long seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

static long read_memory(pid_t pid)
{
	char byte;
	struct iovec own = { &byte, 1 }, other = { (void *)environ[0], 1 };

	return process_vm_readv(pid, &own, 1, &other, 1, 0);
}

static long open_memory(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDONLY);
}

static long chown_key(void)
{
	long key = syscall(SYS_add_key, "user", "mine", "x", 1, KEY_SPEC_PROCESS_KEYRING);

	return syscall(SYS_keyctl, KEYCTL_CHOWN, key, 4321, -1);
}

static long open_perf(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = PERF_TYPE_SOFTWARE };

	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
}

static long open_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[8];
	} root = { .handle = { .handle_bytes = 8, .handle_type = 1 }, .bytes = { 2 } };

	return open_by_handle_at(AT_FDCWD, &root.handle, O_RDONLY);
}

static long set_time_zone(void)
{
	struct timezone utc = {};

	return syscall(SYS_settimeofday, NULL, &utc);
}

static long set_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	return syscall(SYS_capset, &header, data);
}

/* A reboot of the container's own pid namespace that does nothing. */
static long reboot_nothing(void)
{
	return syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL);
}

#if defined(__x86_64__)
/* i386's mount is x86-64's access; there the kernel would ask for nothing. */
static long mount_as_i386(void)
{
	long result;
	/* Addresses that fit 32 bits: a static binary that is not position-independent. */
	static char none[] = "none", target[] = "/tmp", type[] = "tmpfs";

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(21), "b"(none), "c"(target), "d"(type), "S"(MS_NODEV), "D"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	if (result < 0)
		errno = -result;
	return result < 0 ? -1 : 0;
}
#endif

static long act(const char *name)
{
#define ACTION(text, expression)         \
	if (strcmp(name, text) == 0)     \
	return expression
	ACTION("mount", mount("none", "/tmp", "tmpfs", MS_NOSUID, NULL));
	ACTION("bind", mount("/etc", "/tmp", NULL, MS_BIND, NULL));
	ACTION("umount", umount2("/tmp", MNT_DETACH));
	ACTION("pivot_root", syscall(SYS_pivot_root, "/bin", "/bin"));
	ACTION("finit_module", syscall(SYS_finit_module, -1, "", 0));
	ACTION("bpf", load_program());
	ACTION("ptrace-attach", with_other(attach));
	ACTION("ptrace-seize", with_other(seize));
	ACTION("process_vm_readv", with_other(read_memory));
	ACTION("open-mem", with_other(open_memory));
	ACTION("packet", socket(AF_PACKET, SOCK_RAW, 0));
	ACTION("raw", socket(AF_INET, SOCK_RAW, 1));
	ACTION("keyctl", chown_key());
	ACTION("reboot", reboot_nothing());
	ACTION("swapon", syscall(SYS_swapon, "/nowhere", 0));
	ACTION("sethostname", sethostname("changed", 7));
#if defined(__x86_64__)
	ACTION("iopl", syscall(SYS_iopl, 3));
	ACTION("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
	ACTION("mount32", mount_as_i386());
#endif
	ACTION("settimeofday", set_time_zone());
	ACTION("perf_event_open", open_perf());
	ACTION("chroot", chroot("/"));
	ACTION("mknod", syscall(SYS_mknodat, AT_FDCWD, "/tmp/disk", S_IFBLK | 0600, makedev(8, 0)));
	ACTION("open_by_handle_at", open_handle());
	ACTION("setuid-0", syscall(SYS_setuid, 0));
	ACTION("setuid-33", syscall(SYS_setuid, 33));
	ACTION("setresuid-34", syscall(SYS_setresuid, -1, 34, -1));
	ACTION("setgid-35", syscall(SYS_setgid, 35));
	ACTION("setgroups", syscall(SYS_setgroups, 0, NULL));
	ACTION("capset", set_capabilities());
	ACTION("bset-drop", prctl(PR_CAPBSET_DROP, CAP_WAKE_ALARM, 0, 0, 0));
	ACTION("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	ACTION("unshare-uts", unshare(CLONE_NEWUTS));
	ACTION("fill-tmpfs", write(open("/shm/file", O_CREAT | O_WRONLY, 0600), environ, 1));
	errno = ENOTSUP;
	return -1;
}

static int with_clone(const char *way, unsigned long flags, char **argv)
{
	struct clone_args arguments = { .flags = flags, .exit_signal = SIGCHLD };
	long child = strcmp(way, "--clone") == 0 ? syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) :
						   syscall(SYS_clone3, &arguments, sizeof(arguments));
	int status = 0;

	if (child == 0) {
		execve(argv[0], argv, environ);
		_exit(127);
	}
	if (child < 0)
		perror(way);
	return child < 0 || waitpid(child, &status, 0) != child || status;
}

static int changed(int result, const char *way, char **argv)
{
	if (result != 0) {
		perror(way);
		return 1;
	}
	if (argv[0] == NULL)
		return 0;
	execve(argv[0], argv, environ);
	return 127;
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc > 2 && strncmp(argv[1], "--clone", 7) == 0)
		return with_clone(argv[1], strtoul(argv[2], NULL, 16), argv + 3);
	if (argc > 2 && strcmp(argv[1], "--unshare") == 0)
		return changed(unshare(strtoul(argv[2], NULL, 16)), argv[1], argv + 3);
	if (argc > 2 && strcmp(argv[1], "--setns") == 0)
		return changed(setns(open(argv[2], O_RDONLY), 0), argv[1], argv + 3);
	if (argc > 3 && strcmp(argv[1], "--as") == 0) {
		uid_t uid = atoi(argv[2]);

		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			return 1;
		first = 3;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = first; i < argc; i++) {
		errno = 0;
		printf("%s %s\n", argv[i], act(argv[i]) < 0 ? strerrorname_np(errno) : "ok");
	}
	return 0;
}
