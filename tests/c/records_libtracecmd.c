/* SPDX-License-Identifier: MIT */
/*
 * Prints a line for each record of a trace.dat file as libtracecmd walks over all its buffers in
 * time order: buffer ("-" is the top one), CPU, ns, common_pid, event id, system:name, size of the
 * payload, events missed before it, FNV-1a 64 of the payload.
 *
 *	records_libtracecmd FILE [TS_OFFSET [TS2SECS]]
 *	records_libtracecmd --offsets FILE: of each record buffer, CPU, ns and where in the file it says
 *	that the payload is.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trace-cmd.h>

/* Exported by the library, but in none of its headers. */
void tracecmd_set_ts2secs(struct tracecmd_input *handle, unsigned long long hz);

#define HANDLES_MAX 64

struct all {
	struct tracecmd_input *handles[HANDLES_MAX];
	const char *names[HANDLES_MAX];
	int count;
};

static int only_offsets;

static uint64_t fnv1a(const uint8_t *bytes, int size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static int print_record(struct tracecmd_input *handle, struct tep_record *record, int cpu,
			void *data)
{
	struct tep_handle *tep = tracecmd_get_tep(handle);
	struct tep_event *event = tep_find_event_by_record(tep, record);
	const struct all *all = data;
	const char *name = "?";

	(void)cpu;	/* 3.1 counts those of all handles through */
	for (int i = 0; i < all->count; i++) {
		if (all->handles[i] == handle)
			name = all->names[i];
	}
	if (only_offsets) {
		printf("%s %d %llu %llu\n", name, record->cpu, record->ts, record->offset);
		return 0;
	}
	printf("%s %d %llu %d %d %s:%s %d %lld %016" PRIx64 "\n", name, record->cpu, record->ts,
	       tep_data_pid(tep, record), tep_data_type(tep, record), event ? event->system : "?",
	       event ? event->name : "?", record->size, record->missed_events,
	       fnv1a(record->data, record->size));
	return 0;
}

int main(int argc, char **argv)
{
	struct all all = { .count = 1 };
	int instances;

	only_offsets = argc > 2 && !strcmp(argv[1], "--offsets");
	argc -= only_offsets;
	argv += only_offsets;
	if (argc < 2)
		return 2;
	all.handles[0] = tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS);
	all.names[0] = "-";
	if (!all.handles[0]) {
		fprintf(stderr, "%s: cannot be opened\n", argv[1]);
		return 1;
	}
	if (argc > 2)
		tracecmd_add_ts_offset(all.handles[0], strtoll(argv[2], NULL, 0));
	if (argc > 3)
		tracecmd_set_ts2secs(all.handles[0], strtoull(argv[3], NULL, 0));
	instances = tracecmd_buffer_instances(all.handles[0]);
	for (int i = 0; i < instances && all.count < HANDLES_MAX; i++) {
		struct tracecmd_input *handle = tracecmd_buffer_instance_handle(all.handles[0], i);

		if (!handle)
			continue;
		all.names[all.count] = tracecmd_buffer_instance_name(all.handles[0], i);
		all.handles[all.count++] = handle;
	}
	if (tracecmd_iterate_events_multi(all.handles, all.count, print_record, &all))
		fprintf(stderr, "the walk ended early\n");
	for (int i = all.count; i-- > 0;)
		tracecmd_close(all.handles[i]);
	return 0;
}
