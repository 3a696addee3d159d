// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
#include "lib/emit.bpf.h"

#define RECORDS_PER_RUN 512
#define RECORD_BYTES 304

struct filler {
	struct capability_record record;
	__u8 rest[RECORD_BYTES - sizeof(struct capability_record)];
};

/* Writes records into the ring as fast as it can be asked to; run by BPF_PROG_TEST_RUN. */
SEC("syscall")
int fill(void *ctx)
{
	for (int i = 0; i < RECORDS_PER_RUN; i++) {
		struct filler *filler = reserve_record(RECORD_CAPABILITY, sizeof(*filler), 0);

		if (!filler)
			return i;
		__builtin_memset(filler, 0, sizeof(*filler));
		filler->record.header.type = RECORD_CAPABILITY;
		filler->record.header.size = sizeof(*filler);
		filler->record.header.ktime_ns = bpf_ktime_get_boot_ns();
		filler->record.header.pid = i;
		filler->record.capability = 21;
		filler->record.syscall = 165;
		submit_record(filler, RECORD_CAPABILITY);
	}
	return RECORDS_PER_RUN;
}

char _license[] SEC("license") __weak = "GPL";
