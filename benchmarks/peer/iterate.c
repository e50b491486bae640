/* SPDX-License-Identifier: MIT */
/*
 * iterate FILE ROUNDS MODE [keep]: libtracecmd walks all records of the top buffer.
 *   count	tracecmd_iterate_events(), records counted by event id
 *   read	tracecmd_read_data() CPU by CPU, records counted by event id
 *   merge	tracecmd_iterate_events(), time stamp, CPU, event id and pid of every record
 *		appended to four arrays
 * With keep, the arrays are kept and there is an untimed round before the first one.
 * Opening is not part of the time. The check is the number of records and a digest, in count and
 * read of the counts from id 0 to 65535, in merge of the four values record by record.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <trace-cmd.h>

#include "../measure.h"

#define IDS 65536

struct walk {
	struct tep_handle *tep;
	uint64_t count[IDS];
	uint64_t *ts;
	uint16_t *cpu, *id;
	int32_t *pid;
	size_t records, room;
};

static void *grow(void *array, size_t room, size_t width)
{
	array = realloc(array, room * width);
	if (!array)
		fail("realloc", "no memory");
	return array;
}

static void make_room(struct walk *walk)
{
	if (walk->records < walk->room)
		return;
	walk->room = walk->room ? walk->room * 2 : 1 << 16;
	walk->ts = grow(walk->ts, walk->room, sizeof(*walk->ts));
	walk->cpu = grow(walk->cpu, walk->room, sizeof(*walk->cpu));
	walk->id = grow(walk->id, walk->room, sizeof(*walk->id));
	walk->pid = grow(walk->pid, walk->room, sizeof(*walk->pid));
}

static void count_record(struct walk *walk, struct tep_record *record)
{
	walk->count[(uint16_t)tep_data_type(walk->tep, record)]++;
	walk->records++;
}

static int on_count(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *data)
{
	(void)handle, (void)cpu;
	count_record(data, record);
	return 0;
}

static int on_merge(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *data)
{
	struct walk *walk = data;

	(void)handle;
	make_room(walk);
	walk->ts[walk->records] = record->ts;
	walk->cpu[walk->records] = (uint16_t)cpu;
	walk->id[walk->records] = (uint16_t)tep_data_type(walk->tep, record);
	walk->pid[walk->records] = tep_data_pid(walk->tep, record);
	walk->records++;
	return 0;
}

static void read_all(struct tracecmd_input *handle, struct walk *walk)
{
	int cpus = tep_get_cpus(walk->tep);

	for (int cpu = 0; cpu < cpus; cpu++) {
		struct tep_record *record;

		while ((record = tracecmd_read_data(handle, cpu))) {
			count_record(walk, record);
			tracecmd_free_record(record);
		}
	}
}

static void walk_once(struct tracecmd_input *handle, const char *mode, struct walk *walk)
{
	if (!strcmp(mode, "read"))
		read_all(handle, walk);
	else if (tracecmd_iterate_events(handle, NULL, 0,
					 strcmp(mode, "merge") ? on_count : on_merge, walk))
		fail(mode, "tracecmd_iterate_events() failed");
}

static void print_check(const struct walk *walk)
{
	uint64_t sum = DIGEST_START;

	for (size_t i = 0; !walk->ts && i < IDS; i++)
		sum = digest(sum, walk->count[i]);
	for (size_t i = 0; walk->ts && i < walk->records; i++) {
		sum = digest(sum, walk->ts[i]);
		sum = digest(sum, walk->cpu[i]);
		sum = digest(sum, walk->id[i]);
		sum = digest(sum, (uint32_t)walk->pid[i]);
	}
	printf("check %zu records, %" PRIx64 "\n", walk->records, sum);
}

/* Forgets the records; the arrays stay where they are if they are to be kept. */
static void clear_walk(struct walk *walk, bool keep)
{
	memset(walk->count, 0, sizeof(walk->count));
	walk->records = 0;
	if (keep)
		return;
	free(walk->ts);
	free(walk->cpu);
	free(walk->id);
	free(walk->pid);
	*walk = (struct walk){ 0 };
}

int main(int argc, char **argv)
{
	static struct walk walk;

	if (argc < 4 || argc > 5 || (strcmp(argv[3], "count") && strcmp(argv[3], "read") &&
				     strcmp(argv[3], "merge")) || (argc == 5 && strcmp(argv[4], "keep")))
		fail(argv[0], "FILE ROUNDS count|read|merge [keep]");
	long rounds = strtol(argv[2], NULL, 10);
	bool keep = argc == 5;

	print_memory_before();
	for (long i = keep ? -1 : 0; i < rounds; i++) {
		struct tracecmd_input *handle = tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS);

		if (!handle)
			fail(argv[1], "tracecmd_open() failed");
		walk.tep = tracecmd_get_tep(handle);
		uint64_t start = now_ns(), cpu_start = cpu_now_ns();

		walk_once(handle, argv[3], &walk);
		if (i >= 0) {
			print_round(start, now_ns());
			print_cpu(cpu_start, cpu_now_ns());
		}
		if (i == rounds - 1) {
			print_memory_after();
			print_check(&walk);
		}
		clear_walk(&walk, keep && i < rounds - 1);
		tracecmd_close(handle);
	}
	return 0;
}
