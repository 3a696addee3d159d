// SPDX-License-Identifier: Apache-2.0
/*
 * A server as a container's first program, which starts another program, as servers do when somebody makes them:
 *
 *   server PROGRAM [ARG…]      execute PROGRAM in a child, reap children until that one ends
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t child = argc > 1 ? fork() : -1, ended;

	if (child == 0) {
		execv(argv[1], argv + 1);
		_exit(127);
	}
	do {
		ended = wait(NULL);
	} while (ended > 0 && ended != child);
	return child < 0;
}
