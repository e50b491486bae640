/* SPDX-License-Identifier: MIT */
/*
 * open FILE ROUNDS [GUEST_TRACE_ID...]: the C core opens the file and is asked for its trace ID
 * and the vCPU map of each guest.
 */
#include "tracecmd.h"

#include "../measure.h"

/* With text: the results, in words. */
static void ask(const struct trc_file *file, int guests, char **id, FILE *text)
{
	uint64_t trace_id = trc_trace_id(file);

	if (text)
		fprintf(text, "check trace_id=%" PRIx64, trace_id);
	for (int i = 0; i < guests; i++) {
		struct trc_guest guest;
		struct trc_error err;

		if (trc_guest_find(file, strtoull(id[i], NULL, 0), &guest, &err))
			fail(id[i], err.message);
		for (uint32_t vcpu = 0; text && vcpu < guest.vcpu_count; vcpu++)
			fprintf(text, " %s/%u=%d", guest.name, vcpu, guest.cpu_pid[vcpu]);
	}
	if (text)
		fprintf(text, "\n");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		fail(argv[0], "FILE ROUNDS [GUEST_TRACE_ID...]");
	long rounds = strtol(argv[2], NULL, 10);

	print_memory_before();
	for (long i = 0; i < rounds; i++) {
		struct trc_error err;
		struct trc_file *file;
		uint64_t start = now_ns();

		if (trc_open(argv[1], &file, &err))
			fail(argv[1], err.message);
		ask(file, argc - 3, argv + 3, NULL);
		print_round(start, now_ns());
		if (i == rounds - 1) {
			print_memory_after();
			ask(file, argc - 3, argv + 3, stdout);
		}
		trc_close(file);
	}
	return 0;
}
