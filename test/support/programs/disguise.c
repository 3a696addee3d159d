// SPDX-License-Identifier: Apache-2.0
/*
 * Pretends to run another program, as tools do that restore saved processes:
 *
 *   disguise FILE        have FILE named as this process' executable, say "done" and stay until killed
 *
 * It takes CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN. The kernel refuses while the true executable is mapped, so that is replaced by copies first.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MAX_SEGMENTS 16

struct segment {
	unsigned long start, end;
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int mapped_segments(struct segment *segments)
{
	char line[4096], path[4096] = "";
	FILE *maps = fopen("/proc/self/maps", "r");
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int count = 0;

	while (maps && length > 0 && count < MAX_SEGMENTS && fgets(line, sizeof(line), maps))
		if (strstr(line, path) && sscanf(line, "%lx-%lx", &segments[count].start, &segments[count].end) == 2)
			count++;
	if (maps)
		fclose(maps);
	return count;
}

/* What follows runs in the copy, which lies where the original was. */
static int replace_by_copy(struct segment segment)
{
	size_t size = segment.end - segment.start;
	void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return -1;
	memcpy(copy, (void *)segment.start, size);
	return mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)segment.start) == MAP_FAILED ? -1 : 0;
}

/* Everything stays as it is, but for the executable. */
static int read_layout(struct prctl_mm_map *map)
{
	char text[4096];
	FILE *stat = fopen("/proc/self/stat", "r");
	size_t length = stat ? fread(text, 1, sizeof(text) - 1, stat) : 0;
	unsigned long field[52] = { 0 };
	char *rest;

	if (stat)
		fclose(stat);
	text[length] = '\0';
	rest = strrchr(text, ')');
	if (!rest)
		return -1;
	strtok(rest, " ");
	for (int at = 3; at < 52; at++) {
		char *word = strtok(NULL, " ");

		if (word)
			sscanf(word, "%lu", &field[at]);
	}
	map->start_code = field[26];
	map->end_code = field[27];
	map->start_stack = field[28];
	map->start_data = field[45];
	map->end_data = field[46];
	map->start_brk = field[47];
	map->brk = (unsigned long)sbrk(0);
	map->arg_start = field[48];
	map->arg_end = field[49];
	map->env_start = field[50];
	map->env_end = field[51];
	return 0;
}

int main(int argc, char **argv)
{
	struct segment segments[MAX_SEGMENTS];
	struct prctl_mm_map map = { 0 };
	int count = mapped_segments(segments);

	if (argc != 2 || count == 0 || read_layout(&map))
		return fail("disguise");
	map.exe_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < count; i++)
		if (replace_by_copy(segments[i]))
			return fail("mremap");
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0))
		return fail("prctl");
	printf("done\n");
	fflush(stdout);
	for (;;)
		pause();
}
