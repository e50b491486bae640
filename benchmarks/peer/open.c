/* SPDX-License-Identifier: MIT */
/*
 * open FILE ROUNDS [GUEST_TRACE_ID...]: libtracecmd opens the file and is asked for its trace ID
 * and the vCPU map of each guest. Plugins are not loaded, so that opening is all that counts.
 */
#include <trace-cmd.h>

#include "../measure.h"

/* With text: the results, in words. */
static void ask(struct tracecmd_input *handle, int guests, char **guest, FILE *text)
{
	unsigned long long id = tracecmd_get_traceid(handle);

	if (text)
		fprintf(text, "check trace_id=%llx", id);
	for (int i = 0; i < guests; i++) {
		const char *name;
		const int *pid;
		int count;

		if (tracecmd_get_guest_cpumap(handle, strtoull(guest[i], NULL, 0), &name, &count, &pid))
			fail(guest[i], "no such guest");
		for (int vcpu = 0; text && vcpu < count; vcpu++)
			fprintf(text, " %s/%d=%d", name, vcpu, pid[vcpu]);
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
		uint64_t start = now_ns();
		struct tracecmd_input *handle = tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS);

		if (!handle)
			fail(argv[1], "tracecmd_open() failed");
		ask(handle, argc - 3, argv + 3, NULL);
		print_round(start, now_ns());
		if (i == rounds - 1) {
			print_memory_after();
			ask(handle, argc - 3, argv + 3, stdout);
		}
		tracecmd_close(handle);
	}
	return 0;
}
