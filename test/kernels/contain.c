// SPDX-License-Identifier: Apache-2.0
/*
 * contain CGROUP ROOT PROGRAM [ARG…]: a container runtime in small. Joins the cgroup, takes mount, pid and network
 * namespaces of its own, makes the mount point ROOT the root, mounts /proc, executes PROGRAM as pid 1 and answers with its
 * exit code.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 125;
}

static int join_cgroup(const char *path)
{
	int directory = open(path, O_PATH | O_CLOEXEC);
	int procs = openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return procs >= 0 && write(procs, "0", 1) == 1 ? 0 : -1;
}

/* Moved onto / and not only chrooted into: a chrooted process may not create user namespaces. */
static int change_root(const char *path)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || chdir(path) ||
	       mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/");
}

int main(int argc, char **argv)
{
	char *environment[] = { "PATH=/bin", NULL };
	pid_t child;
	int status;

	if (argc < 4 || join_cgroup(argv[1]))
		return fail("cgroup");
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET))
		return fail("unshare");
	if (change_root(argv[2]))
		return fail("root");
	child = fork();
	if (child == 0) {
		if (mount("proc", "/proc", "proc", 0, NULL))
			_exit(fail("proc"));
		execve(argv[3], argv + 3, environment);
		_exit(fail("execve"));
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return fail("fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
