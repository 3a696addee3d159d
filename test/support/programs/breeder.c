// SPDX-License-Identifier: Apache-2.0
/*
 * Makes processes and ends them in the ways that busybox cannot, by its first argument:
 *
 *   breeder orphan PROGRAM [ARG…]            execute PROGRAM in a process whose parent has ended
 *   breeder reaper PROGRAM [ARG…]            the same, adopted by this process as its subreaper
 *   breeder unshare PROGRAM [ARG…]           execute PROGRAM in mount, pid and network namespaces of its own
 *   breeder rename NAME PROGRAM [ARG…]       take NAME as the task's name, fail to mount, execute PROGRAM
 *   breeder bomb                             fork until it is refused, print how often it worked, end all
 *   breeder churn COUNT PROGRAM [ARG…]       execute PROGRAM COUNT times, one after the other
 *   breeder dump                             die of an abort with unlimited core size
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

static int adopted(char **argv)
{
	pid_t child = fork(), parent;

	if (child == 0) {
		parent = getpid();
		if (fork() != 0)
			_exit(0);
		while (getppid() == parent)
			usleep(1000);
		_exit(run(argv));
	}
	waitpid(child, NULL, 0);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	/* Where another process has adopted it, it is given time. */
	usleep(300000);
	return 0;
}

static int unshared(char **argv)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) != 0)
		return fail("unshare");
	return run(argv);
}

static int renamed(const char *name, char **argv)
{
	prctl(PR_SET_NAME, name);
	(void)!mount("none", "/", "tmpfs", 0, NULL);
	return run(argv);
}

static int bomb(void)
{
	static pid_t children[32768];
	long count = 0;

	while (count < 32768 && (children[count] = fork()) >= 0) {
		if (children[count] == 0)
			for (;;)
				pause();
		count++;
	}
	printf("%ld\n", count);
	for (long i = 0; i < count; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}

static int churn(long count, char **argv)
{
	for (long i = 0; i < count; i++) {
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

static int dump(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &unlimited);
	abort();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char **rest = argv + 2;

	if (strcmp(what, "orphan") == 0)
		return adopted(rest);
	if (strcmp(what, "reaper") == 0)
		return prctl(PR_SET_CHILD_SUBREAPER, 1), adopted(rest);
	if (strcmp(what, "unshare") == 0)
		return unshared(rest);
	if (strcmp(what, "rename") == 0)
		return renamed(rest[0], rest + 1);
	if (strcmp(what, "bomb") == 0)
		return bomb();
	if (strcmp(what, "churn") == 0)
		return churn(atol(rest[0]), rest + 1);
	if (strcmp(what, "dump") == 0)
		return dump();
	fprintf(stderr, "breeder: unknown action\n");
	return 2;
}
