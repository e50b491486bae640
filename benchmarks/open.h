/* SPDX-License-Identifier: MIT */
/*
 * The question of core/open.c and peer/open.c, with its main():
 * open FILE ROUNDS [GUEST_TRACE_ID...]: a file is opened and asked for its trace ID and the vCPU
 * map of each guest.
 */
#ifndef OPEN_H
#define OPEN_H

#include "measure.h"

struct vcpu_map {
	const char *guest;
	const int *pid;		/* [count] host threads */
	int count;
};

/* What the including file answers with; none of them returns after an error. */
static void *open_file(const char *path);
static uint64_t trace_id_of(void *file);
static struct vcpu_map find_guest(void *file, const char *trace_id);
static void close_file(void *file);

/* With text: the results, in words. */
static void ask(void *file, int guests, char **trace_id, FILE *text)
{
	uint64_t own = trace_id_of(file);

	if (text)
		fprintf(text, "check trace_id=%" PRIx64, own);
	for (int i = 0; i < guests; i++) {
		struct vcpu_map map = find_guest(file, trace_id[i]);

		for (int vcpu = 0; text && vcpu < map.count; vcpu++)
			fprintf(text, " %s/%d=%d", map.guest, vcpu, map.pid[vcpu]);
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
		void *file = open_file(argv[1]);

		ask(file, argc - 3, argv + 3, NULL);
		print_round(start, now_ns());
		if (i == rounds - 1) {
			print_memory_after();
			ask(file, argc - 3, argv + 3, stdout);
		}
		close_file(file);
	}
	return 0;
}

#endif
