// SPDX-License-Identifier: Apache-2.0
/*
 * Executes programs in the ways that busybox cannot, by its first argument:
 *
 *   executor capabilities FILE MASK          give FILE the permitted and effective capabilities of the hexadecimal MASK
 *   executor descriptor PROGRAM [ARG…]       execute PROGRAM as /proc/self/fd/N
 *   executor unlinked PROGRAM [ARG…]         copy PROGRAM to a file, remove its name, execute it by descriptor
 *   executor no-arguments PROGRAM            execute PROGRAM with an empty argument list
 *   executor long-arguments COUNT PROGRAM    execute PROGRAM with COUNT arguments of 128 KiB each
 *   executor threads COUNT PROGRAM [ARG…]    execute PROGRAM from the last of COUNT threads while the others run
 *   executor pair PROGRAM [ARG…]             execute PROGRAM with one end of a socket pair as its standard descriptors
 *   executor unix NAME PROGRAM [ARG…]        the same, connected to a unix socket; "@" begins an abstract name
 *   executor session PROGRAM [ARG…]          execute PROGRAM as the leader of a session of its own
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int run(char **argv)
{
	execve(argv[0], argv, environ);
	return fail(argv[0]);
}

static int capabilities(const char *file, const char *mask)
{
	unsigned long long bits = strtoull(mask, NULL, 16);
	struct vfs_cap_data data = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE };

	data.data[0].permitted = bits;
	data.data[1].permitted = bits >> 32;
	return setxattr(file, "security.capability", &data, sizeof(data), 0) ? fail("setxattr") : 0;
}

static int by_descriptor(char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", open(argv[0], O_RDONLY));
	execve(name, argv, environ);
	return fail(name);
}

static int unlinked(char **argv)
{
	int from = open(argv[0], O_RDONLY | O_CLOEXEC);
	int to = open("/gone", O_WRONLY | O_CREAT | O_EXCL, 0755);
	struct stat stat;
	int file;

	if (from < 0 || to < 0 || fstat(from, &stat) != 0 || sendfile(to, from, NULL, stat.st_size) != stat.st_size)
		return fail("copy");
	close(to);
	file = open("/gone", O_RDONLY | O_CLOEXEC);
	unlink("/gone");
	fexecve(file, argv, environ);
	return fail("fexecve");
}

static int no_arguments(const char *program)
{
	char *none[] = { NULL };

	execve(program, none, environ);
	return fail(program);
}

static int long_arguments(int count, char *program)
{
	const size_t length = 128 * 1024 - 1;
	char **argv = calloc(count + 2, sizeof(*argv));
	char *argument = malloc(length + 1);

	memset(argument, 'x', length);
	argument[length] = 0;
	argv[0] = program;
	for (int i = 1; i <= count; i++)
		argv[i] = argument;
	return run(argv);
}

static void *spin(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *execute(void *argv)
{
	run(argv);
	_exit(1);
}

static int threads(int count, char **argv)
{
	pthread_t thread;

	for (int i = 1; i <= count; i++)
		if (pthread_create(&thread, NULL, i < count ? spin : execute, argv) != 0)
			return fail("pthread_create");
	/* The first thread ends before the process does. */
	pthread_exit(NULL);
}

static int with_stdio(int fd, char **argv)
{
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	return run(argv);
}

static int pair(char **argv)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ? fail("socketpair") : with_stdio(ends[0], argv);
}

static int unix_stdio(const char *name, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = 0;
	if (bind(server, (struct sockaddr *)&address, length) != 0 || listen(server, 1) != 0 ||
	    connect(client, (struct sockaddr *)&address, length) != 0)
		return fail("connect");
	return with_stdio(client, argv);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char **rest = argv + 2;

	if (strcmp(what, "capabilities") == 0)
		return capabilities(rest[0], rest[1]);
	if (strcmp(what, "descriptor") == 0)
		return by_descriptor(rest);
	if (strcmp(what, "unlinked") == 0)
		return unlinked(rest);
	if (strcmp(what, "no-arguments") == 0)
		return no_arguments(rest[0]);
	if (strcmp(what, "long-arguments") == 0)
		return long_arguments(atoi(rest[0]), rest[1]);
	if (strcmp(what, "threads") == 0)
		return threads(atoi(rest[0]), rest + 1);
	if (strcmp(what, "pair") == 0)
		return pair(rest);
	if (strcmp(what, "unix") == 0)
		return unix_stdio(rest[0], rest + 1);
	if (strcmp(what, "session") == 0)
		return fork() == 0 ? setsid(), run(rest) : (wait(NULL), 0);
	fprintf(stderr, "executor: unknown action\n");
	return 2;
}
