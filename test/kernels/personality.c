// SPDX-License-Identifier: Apache-2.0
/*
 * personality inline|worker|poller FILE: registers its credentials with io_uring, becomes nobody, and opens FILE as who it
 * was before: in its own io_uring_enter(2), or in one of the two kinds of threads that the kernel makes for it. Exit code 0
 * when that worked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static void *map(int ring, size_t length, off_t what)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
}

int main(int argc, char **argv)
{
	int is_poller = argc == 3 && strcmp(argv[1], "poller") == 0;
	struct io_uring_params params = { .flags = is_poller ? IORING_SETUP_SQPOLL : 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	struct io_uring_sqe *entry;
	struct io_uring_cqe *completion;
	char *submissions, *completions;
	int personality;

	if (argc != 3 || ring < 0)
		return fail("io_uring_setup");
	submissions = map(ring, params.sq_off.array + params.sq_entries * sizeof(__u32), IORING_OFF_SQ_RING);
	completions = map(ring, params.cq_off.cqes + params.cq_entries * sizeof(*completion), IORING_OFF_CQ_RING);
	entry = map(ring, params.sq_entries * sizeof(*entry), IORING_OFF_SQES);
	if (submissions == MAP_FAILED || completions == MAP_FAILED || entry == MAP_FAILED)
		return fail("mmap");
	personality = syscall(SYS_io_uring_register, ring, IORING_REGISTER_PERSONALITY, NULL, 0);
	if (personality < 0 || setresuid(65534, 65534, 65534))
		return fail("personality");
	if (open(argv[2], O_RDONLY) >= 0)
		return 2;

	*entry = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)argv[2] };
	entry->personality = personality;
	if (strcmp(argv[1], "worker") == 0)
		entry->flags = IOSQE_ASYNC;
	((__u32 *)(submissions + params.sq_off.array))[0] = 0;
	__atomic_store_n((__u32 *)(submissions + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS | (is_poller ? IORING_ENTER_SQ_WAKEUP : 0), NULL,
		    0) != 1)
		return fail("io_uring_enter");
	completion = (void *)(completions + params.cq_off.cqes);
	return completion->res < 0;
}
