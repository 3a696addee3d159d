// SPDX-License-Identifier: Apache-2.0
/*
 * Makes system calls that the kernel asks nobody about, each by its name, and prints for each "NAME ok" or "NAME ERRNO":
 *
 *   pack ACTION…
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char secret[8] = "secret";

static long in_child(long (*act)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(act() < 0 ? errno : 0);
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static long trace_me(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* To a child of the same user. */
static long on_child(long (*act)(pid_t))
{
	pid_t child = fork();
	long result;
	int kept;

	if (child == 0) {
		pause();
		_exit(0);
	}
	result = act(child);
	kept = errno;
	kill(child, SIGKILL);
	waitpid(child, NULL, __WALL);
	errno = kept;
	return result;
}

static long seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

static long write_memory(pid_t pid)
{
	struct iovec own = { secret, sizeof(secret) }, other = { secret, sizeof(secret) };

	return process_vm_writev(pid, &own, 1, &other, 1, 0);
}

/* A socket connected to a listener of its own, on loopback. */
static int connected(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(4444) };
	int server = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 1) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static long move_socket(void)
{
	return dup2(connected(), 0);
}

/* The lowest free descriptor, which is made to be standard input. */
static long move_by_dup(void)
{
	int fd = connected();

	close(0);
	return dup(fd);
}

static long move_by_fcntl(void)
{
	int fd = connected();

	close(0);
	return fcntl(fd, F_DUPFD, 0);
}

static long move_file(void)
{
	return dup2(open("/etc/passwd", O_RDONLY), 0);
}

static long set_up_ring(void)
{
	struct io_uring_params parameters = {};

	return syscall(SYS_io_uring_setup, 4, &parameters);
}

static long act(const char *name)
{
#define ACTION(text, expression)         \
	if (strcmp(name, text) == 0)     \
	return expression
	ACTION("traceme", in_child(trace_me));
	ACTION("seize", on_child(seize));
	ACTION("writev", on_child(write_memory));
	ACTION("memfd", memfd_create("payload", 0));
	ACTION("dup2", in_child(move_socket));
	ACTION("dup", in_child(move_by_dup));
	ACTION("fcntl", in_child(move_by_fcntl));
	ACTION("dup2-file", in_child(move_file));
	ACTION("io_uring", set_up_ring());
	ACTION("userfaultfd", syscall(SYS_userfaultfd, 1));
	errno = ENOTSUP;
	return -1;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		errno = 0;
		printf("%s %s\n", argv[i], act(argv[i]) < 0 ? strerrorname_np(errno) : "ok");
	}
	return 0;
}
