/* SPDX-License-Identifier: MIT */
/*
 * What libtraceevent reads of a trace.dat file, record by record in libtracecmd's order:
 *
 *	fields FILE		a line a record: event id, ns, CPU, common_pid, and every field:
 *				nDECIMAL a number, bHEX the bytes of anything else, "-" what does not
 *				lie in the record
 *	fields FILE FILTER	ns and CPU of each record that the filter passes; exit code 3 and a
 *				message if it is none
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trace-cmd.h>

#define HANDLES_MAX 64

struct all {
	struct tracecmd_input *handles[HANDLES_MAX];
	struct tep_event_filter *filters[HANDLES_MAX];
	int count;
};

static int is_number(const struct tep_format_field *field)
{
	if (field->flags & (TEP_FIELD_IS_ARRAY | TEP_FIELD_IS_DYNAMIC))
		return 0;
	return field->size == 1 || field->size == 2 || field->size == 4 || field->size == 8;
}

static void print_number(struct tep_format_field *field, const struct tep_record *record)
{
	unsigned long long value = 0;

	if (tep_read_number_field(field, record->data, &value)) {
		printf(" ?");
	} else if (field->flags & TEP_FIELD_IS_SIGNED && !(field->flags & TEP_FIELD_IS_POINTER)) {
		int unused = 64 - 8 * field->size;

		printf(" n%lld", (long long)(value << unused) >> unused);
	} else {
		printf(" n%llu", value);
	}
}

/* What has no size, and stacks, of which records hold more or less than their format says. */
static int reaches_end(const struct tep_event *event, const struct tep_format_field *field)
{
	if (field->flags & TEP_FIELD_IS_DYNAMIC)
		return 0;
	return !field->size || (!strcmp(event->name, "kernel_stack") && !strcmp(field->name, "caller"));
}

static void print_bytes(struct tep_event *event, struct tep_format_field *field,
			struct tep_record *record)
{
	const char *end = (const char *)record->data + record->size;
	const char *bytes;
	int size = 0;

	if (!reaches_end(event, field) && field->offset + field->size > record->size) {
		printf(" -");
		return;
	}
	bytes = tep_get_field_raw(NULL, event, field->name, record, &size, 0);
	if (bytes && reaches_end(event, field))
		size = (int)(end - bytes);
	if (!bytes || size < 0 || bytes + size > end) {
		printf(" -");
		return;
	}
	printf(" b");
	for (int i = 0; i < size; i++)
		printf("%02x", (unsigned char)bytes[i]);
}

static void print_fields(struct tep_event *event, struct tep_format_field *field,
			 struct tep_record *record)
{
	for (; field; field = field->next) {
		if (!is_number(field))
			print_bytes(event, field, record);
		else if (field->offset + field->size > record->size)
			printf(" -");
		else
			print_number(field, record);
	}
}

static int on_record(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *data)
{
	struct tep_handle *tep = tracecmd_get_tep(handle);
	struct tep_event *event = tep_find_event_by_record(tep, record);
	const struct all *all = data;

	(void)cpu;	/* 3.1 counts those of all handles through */
	if (all->filters[0]) {
		int i = 0;

		while (all->handles[i] != handle)
			i++;
		if (tep_filter_match(all->filters[i], record) == FILTER_MATCH)
			printf("%llu %d\n", record->ts, record->cpu);
		return 0;
	}
	printf("%d %llu %d %d", tep_data_type(tep, record), record->ts, record->cpu,
	       tep_data_pid(tep, record));
	if (event)
		print_fields(event, event->format.fields, record);
	printf("\n");
	return 0;
}

static int add_filter(struct all *all, int i, const char *text)
{
	struct tep_handle *tep = tracecmd_get_tep(all->handles[i]);
	enum tep_errno code;

	all->filters[i] = tep_filter_alloc(tep);
	code = tep_filter_add_filter_str(all->filters[i], text);
	if (code) {
		char message[256] = "";

		tep_filter_strerror(all->filters[i], code, message, sizeof(message));
		fprintf(stderr, "%s\n", message);
	}
	return code != 0;
}

int main(int argc, char **argv)
{
	struct all all = { .count = 1 };
	int instances;

	if (argc < 2)
		return 2;
	all.handles[0] = tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!all.handles[0]) {
		fprintf(stderr, "%s: cannot be opened\n", argv[1]);
		return 1;
	}
	instances = tracecmd_buffer_instances(all.handles[0]);
	for (int i = 0; i < instances && all.count < HANDLES_MAX; i++) {
		struct tracecmd_input *handle = tracecmd_buffer_instance_handle(all.handles[0], i);

		if (handle)
			all.handles[all.count++] = handle;
	}
	for (int i = 0; argc > 2 && i < all.count; i++) {
		if (add_filter(&all, i, argv[2]))
			return 3;
	}
	if (tracecmd_iterate_events_multi(all.handles, all.count, on_record, &all))
		fprintf(stderr, "the walk ended early\n");
	for (int i = all.count; i-- > 0;) {
		if (all.filters[i])
			tep_filter_free(all.filters[i]);
		tracecmd_close(all.handles[i]);
	}
	return 0;
}
