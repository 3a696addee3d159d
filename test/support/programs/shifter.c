// SPDX-License-Identifier: Apache-2.0
/*
 * Changes what it is without executing anything, says "done" and stays until it is killed, so that a sample can see it:
 *
 *   shifter unshare user|net|mount|uts|ipc…   take new namespaces
 *   shifter thread-unshare net                the same in a second thread only
 *   shifter setns PATH [PROGRAM ARG…]         enter the namespace that PATH is, execute PROGRAM there
 *   shifter seize | attach | traceme          trace a child of its own, which waits
 *   shifter drop UID                          become that user, for good
 *   shifter dance UID                         become that user and root again, again and again
 *   shifter unlink-self                       delete the file it runs
 *   shifter stdio-socket                      make standard input and output a socket
 *   shifter fork COUNT                        have that many children, which wait
 *   shifter wait                              nothing
 *   shifter exec-as UID PROGRAM [ARG…]        in a child: become that user, execute PROGRAM
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int stay(void)
{
	printf("done\n");
	fflush(stdout);
	for (;;)
		pause();
}

static int enter(const char *path, char **program)
{
	if (setns(open(path, O_RDONLY | O_CLOEXEC), 0))
		return fail("setns");
	if (!program[0])
		return stay();
	execve(program[0], program, environ);
	return fail("execve");
}

static int flag_of(const char *name)
{
	static const struct {
		const char *name;
		int flag;
	} flags[] = {
		{ "user", CLONE_NEWUSER }, { "net", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
		{ "uts", CLONE_NEWUTS },   { "ipc", CLONE_NEWIPC },
	};

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (strcmp(flags[i].name, name) == 0)
			return flags[i].flag;
	return 0;
}

static int unshare_all(char **names)
{
	int flags = 0;

	for (; *names; names++)
		flags |= flag_of(*names);
	return unshare(flags) ? fail("unshare") : stay();
}

static void *unshare_in_thread(void *name)
{
	if (unshare(flag_of(name)))
		exit(fail("unshare"));
	stay();
	return NULL;
}

static int thread_unshare(char *name)
{
	pthread_t thread;

	pthread_create(&thread, NULL, unshare_in_thread, name);
	pthread_join(thread, NULL);
	return 0;
}

static int trace(const char *how)
{
	pid_t child = fork();

	if (child == 0) {
		if (strcmp(how, "traceme") == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(fail("PTRACE_TRACEME"));
		for (;;)
			pause();
	}
	if (strcmp(how, "seize") == 0 && ptrace(PTRACE_SEIZE, child, NULL, NULL))
		return fail("PTRACE_SEIZE");
	if (strcmp(how, "attach") == 0 && ptrace(PTRACE_ATTACH, child, NULL, NULL))
		return fail("PTRACE_ATTACH");
	return stay();
}

static int become(uid_t uid)
{
	return setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid);
}

static int dance(uid_t uid)
{
	printf("done\n");
	fflush(stdout);
	for (;;) {
		if (setresgid(0, uid, 0) || setresuid(0, uid, 0))
			return fail("down");
		usleep(3000);
		if (setresuid(0, 0, 0) || setresgid(0, 0, 0))
			return fail("up");
		usleep(3000);
	}
}

static int stdio_socket(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return fail("socketpair");
	printf("done\n");
	fflush(stdout);
	usleep(400000);
	dup2(pair[0], 0);
	dup2(pair[0], 1);
	for (;;)
		pause();
}

static int fork_many(int count)
{
	for (int i = 0; i < count; i++)
		if (fork() == 0)
			for (;;)
				pause();
	return stay();
}

static int exec_as(uid_t uid, char **argv)
{
	if (fork() == 0) {
		if (become(uid))
			_exit(fail("become"));
		execve(argv[0], argv, environ);
		_exit(fail("execve"));
	}
	return stay();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "unshare") == 0)
		return unshare_all(argv + 2);
	if (strcmp(what, "thread-unshare") == 0)
		return thread_unshare(argv[2]);
	if (strcmp(what, "setns") == 0)
		return enter(argv[2], argv + 3);
	if (strcmp(what, "seize") == 0 || strcmp(what, "attach") == 0 || strcmp(what, "traceme") == 0)
		return trace(what);
	if (strcmp(what, "drop") == 0)
		return become(atoi(argv[2])) ? fail("drop") : stay();
	if (strcmp(what, "dance") == 0)
		return dance(atoi(argv[2]));
	if (strcmp(what, "unlink-self") == 0)
		return unlink(argv[0]) ? fail("unlink") : stay();
	if (strcmp(what, "stdio-socket") == 0)
		return stdio_socket();
	if (strcmp(what, "fork") == 0)
		return fork_many(atoi(argv[2]));
	if (strcmp(what, "exec-as") == 0)
		return exec_as(atoi(argv[2]), argv + 3);
	if (strcmp(what, "wait") == 0)
		return stay();
	fprintf(stderr, "shifter: unknown action\n");
	return 2;
}
