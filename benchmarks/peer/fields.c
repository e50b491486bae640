/* SPDX-License-Identifier: MIT */
/*
 * fields FILE ROUNDS [keep]: libtracecmd walks the top buffer in time order, and libtraceevent reads the
 * fields of every sched_switch into arrays that grow: time stamp, CPU, prev_pid, prev_prio,
 * prev_state, next_pid, next_prio with tep_read_number_field(), prev_comm and next_comm with
 * tep_get_field_raw(). Opening is not part of the time;
 * with "keep" neither is making the arrays, which stay from round to round. The check is the number of events and a
 * digest of all these values, event by event, in this order; texts up to their NUL.
 */
#define _GNU_SOURCE
#include <trace-cmd.h>

#include "../measure.h"

#define COMM_SIZE 16

static const char *const number_names[] = {
	"prev_pid", "prev_prio", "prev_state", "next_pid", "next_prio",
};
static const char *const comm_names[] = { "prev_comm", "next_comm" };

#define NUMBERS (sizeof(number_names) / sizeof(number_names[0]))
#define COMMS (sizeof(comm_names) / sizeof(comm_names[0]))

struct table {
	struct tep_handle *tep;
	struct tep_event *event;
	struct tep_format_field *field[NUMBERS];
	uint64_t *ts;
	uint16_t *cpu;
	int64_t *number[NUMBERS];
	char (*comm[COMMS])[COMM_SIZE];
	size_t rows, room;
};

static void *grow(void *array, size_t room, size_t width)
{
	array = realloc(array, room * width);
	if (!array)
		fail("realloc", "no memory");
	return array;
}

static void make_room(struct table *table)
{
	if (table->rows < table->room)
		return;
	table->room = table->room ? table->room * 2 : 1 << 16;
	table->ts = grow(table->ts, table->room, sizeof(*table->ts));
	table->cpu = grow(table->cpu, table->room, sizeof(*table->cpu));
	for (size_t i = 0; i < NUMBERS; i++)
		table->number[i] = grow(table->number[i], table->room, sizeof(*table->number[i]));
	for (size_t i = 0; i < COMMS; i++)
		table->comm[i] = grow(table->comm[i], table->room, sizeof(*table->comm[i]));
}

static int on_record(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *data)
{
	struct table *table = data;
	size_t row = table->rows;

	(void)handle;
	if (tep_data_type(table->tep, record) != table->event->id)
		return 0;
	make_room(table);
	table->ts[row] = record->ts;
	table->cpu[row] = (uint16_t)cpu;
	for (size_t i = 0; i < NUMBERS; i++) {
		unsigned long long value;

		if (tep_read_number_field(table->field[i], record->data, &value))
			fail(number_names[i], "cannot be read");
		table->number[i][row] = (int64_t)value;
	}
	for (size_t i = 0; i < COMMS; i++) {
		int size = 0;
		const char *comm = tep_get_field_raw(NULL, table->event, comm_names[i], record, &size, 0);

		if (!comm || size != COMM_SIZE)
			fail(comm_names[i], "cannot be read");
		memcpy(table->comm[i][row], comm, COMM_SIZE);
	}
	table->rows++;
	return 0;
}

static void find_fields(struct table *table, struct tracecmd_input *handle)
{
	table->tep = tracecmd_get_tep(handle);
	table->event = tep_find_event_by_name(table->tep, "sched", "sched_switch");
	if (!table->event)
		fail("sched_switch", "not in this recording");
	for (size_t i = 0; i < NUMBERS; i++) {
		table->field[i] = tep_find_field(table->event, number_names[i]);
		if (!table->field[i])
			fail(number_names[i], "no such field");
	}
}

static void print_check(const struct table *table)
{
	uint64_t sum = DIGEST_START;

	for (size_t row = 0; row < table->rows; row++) {
		sum = digest(sum, table->ts[row]);
		sum = digest(sum, table->cpu[row]);
		for (size_t i = 0; i < NUMBERS; i++)
			sum = digest(sum, (uint64_t)table->number[i][row]);
		for (size_t i = 0; i < COMMS; i++)
			sum = digest_text(sum, table->comm[i][row],
					  strnlen(table->comm[i][row], COMM_SIZE));
	}
	printf("check %zu events, %" PRIx64 "\n", table->rows, sum);
}

static void free_table(struct table *table)
{
	free(table->ts);
	free(table->cpu);
	for (size_t i = 0; i < NUMBERS; i++)
		free(table->number[i]);
	for (size_t i = 0; i < COMMS; i++)
		free(table->comm[i]);
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4)
		fail(argv[0], "FILE ROUNDS [keep]");
	long rounds = strtol(argv[2], NULL, 10), first = argc == 4 ? -1 : 0;
	struct table table = { 0 };

	print_memory_before();
	for (long i = first; i < rounds; i++) {
		struct tracecmd_input *handle = tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS);

		if (!handle)
			fail(argv[1], "tracecmd_open() failed");
		table.rows = 0;
		find_fields(&table, handle);
		uint64_t cpu_start = cpu_now_ns(), start = now_ns();

		if (tracecmd_iterate_events(handle, NULL, 0, on_record, &table))
			fail(argv[1], "tracecmd_iterate_events() failed");
		if (i >= 0) {
			print_round(start, now_ns());
			print_cpu(cpu_start, cpu_now_ns());
		}
		if (i == rounds - 1) {
			print_memory_after();
			print_check(&table);
		}
		if (first == 0) {
			free_table(&table);
			table = (struct table){ 0 };
		}
		tracecmd_close(handle);
	}
	return 0;
}
