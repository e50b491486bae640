/* SPDX-License-Identifier: MIT */
/*
 * no_memory FILE: runs out of memory at each allocation in turn, while the file is opened, reported,
 * filtered, read as columns and written anew. Built with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc and the
 * sanitizers, which find what is leaked or used after all. Each time the answer has to be
 * TRC_NO_MEMORY, or what it is with memory. Prints the number of allocations of each job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracecmd.h"

#define FIELDS_MAX 64 /* of an event */
#define MAX_SOURCES 64
#define ENOUGH 4096

/* --- allocations -------------------------------------------------------------------------- */

static unsigned long allocations, failing; /* failing: number of the one that fails; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int fails(void)
{
	return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

/* --- what a job gives --------------------------------------------------------------------- */

/* Not the text itself, so that keeping it allocates nothing. */
struct sum {
	uint64_t bytes, hash;
};

static void add(struct sum *sum, const void *data, uint64_t size)
{
	const uint8_t *bytes = data;

	for (uint64_t i = 0; i < size; i++)
		sum->hash = (sum->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	sum->bytes += size;
}

/* --- an opened file ------------------------------------------------------------------------- */

struct opened {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_symbols *symbols;
	struct trc_data *data;
	struct trc_walk_source walked[MAX_SOURCES];
	struct trc_report_source sources[MAX_SOURCES];
	size_t source_count;
};

static const char *path;

static void close_file(struct opened *o)
{
	trc_data_destroy(o->data);
	trc_symbols_destroy(o->symbols);
	trc_metadata_destroy(o->metadata);
	trc_close(o->file);
}

static int open_file(struct opened *o)
{
	static const struct trc_clock_options clock;
	static const char more[] = "ffffffff81000100 T another\nno symbol\n";
	int rc;

	memset(o, 0, sizeof(*o));
	if ((rc = trc_open(path, NULL, &o->file, NULL)) ||
	    (rc = trc_metadata_create(o->file, &o->metadata, NULL)) ||
	    (rc = trc_symbols_create_with(o->file, more, sizeof(more) - 1, &o->symbols, NULL)) ||
	    (rc = trc_data_create(o->file, o->metadata, &clock, &o->data, NULL)))
		return rc;
	for (size_t i = 0; i < trc_stream_count(o->data) && i < MAX_SOURCES; i++) {
		struct trc_stream stream;

		rc = trc_stream(o->data, i, &stream, NULL);
		if (rc)
			return rc;
		o->walked[i] = (struct trc_walk_source){ .data = o->data, .stream = i };
		o->sources[i] = (struct trc_report_source){ 0, stream.buffer, stream.cpu };
		o->source_count++;
	}
	return TRC_OK;
}

/* --- jobs ----------------------------------------------------------------------------------- */

static int job_open(const struct opened *unused, uint32_t flags, struct sum *sum)
{
	struct opened o;
	int rc = open_file(&o);

	(void)unused;
	(void)flags;
	if (!rc) {
		size_t counts[2] = { trc_event_count(o.metadata), trc_symbol_count(o.symbols) };

		add(sum, counts, sizeof(counts));
	}
	close_file(&o);
	return rc;
}

static int write_walk(const struct opened *o, struct trc_report *report, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_walk *walk;
	const char *text;
	size_t size;
	int rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);

	if (rc)
		return rc;
	do {
		rc = trc_report_next(report, walk, ENOUGH, &text, &size, NULL);
		if (!rc)
			add(sum, text, size);
	} while (rc == TRC_GO_ON || (!rc && size));
	trc_walk_destroy(walk);
	return rc;
}

/* A report, and a copy of it that is joined to it. */
static int job_report(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const struct trc_report_file file = { o->file, o->metadata, o->symbols, "file", 4 };
	struct trc_report *report, *copy = NULL;
	const char *text;
	uint32_t again;
	size_t size;
	int rc = trc_report_create(flags, &file, 1, o->sources, o->source_count, &report, NULL);

	if (rc)
		return rc;
	if (!(rc = trc_report_set_events(report, TRC_REPORT_EVENTS_RAW, "sched_wakeup", 12, NULL)) &&
	    !(rc = trc_report_begin(report, &text, &size, NULL))) {
		add(sum, text, size);
		rc = trc_report_copy(report, &copy, NULL);
	}
	if (!rc && !(rc = write_walk(o, copy, sum)) && !(rc = trc_report_join(report, copy, &again, NULL)))
		add(sum, &again, sizeof(again));
	if (!rc)
		rc = write_walk(o, report, sum);
	if (!rc && !(rc = trc_report_end(report, &text, &size, NULL)))
		add(sum, text, size);
	trc_report_destroy(copy);
	trc_report_destroy(report);
	return rc;
}

/* The text of a record that a report left out, with the function of its print fmt, if it has one. */
static int add_left_text(struct trc_report *report, const struct trc_left_out *left, const uint8_t *payload,
			 struct sum *sum)
{
	const struct trc_report_record record = { payload + left->payload_end - left->size, left->size,
						  left->source, 0, left->ts };
	static const struct trc_function_value value = { .text = "a", .size = 1 };
	struct trc_function_call call;
	const char *text;
	size_t size;
	int rc = trc_report_left_text(report, &record, NULL, 0, &call, &text, &size, NULL);

	if (rc == TRC_GO_ON)
		rc = trc_report_left_text(report, &record, &value, 1, &call, &text, &size, NULL);
	if (!rc)
		add(sum, text, size);
	return rc;
}

static int add_left_out(struct trc_report *report, const struct opened *o, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	const struct trc_left_out *left;
	const uint8_t *payload;
	struct trc_walk *walk;
	const char *text;
	size_t size;
	int rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);

	if (rc)
		return rc;
	rc = trc_report_next(report, walk, ENOUGH, &text, &size, NULL);
	if (!rc) {
		size_t count = trc_report_left_out(report, &left, &payload);

		add(sum, text, size);
		for (size_t i = 0; !rc && i < count; i++)
			rc = add_left_text(report, &left[i], payload, sum);
	}
	trc_walk_destroy(walk);
	return rc;
}

/* Texts that are the caller's, of a copy. */
static int job_left_out(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const struct trc_report_file file = { o->file, o->metadata, o->symbols, "file", 4 };
	static const char *const names[] = { "some_function", "jiffies_to_msecs" };
	struct trc_report *report = NULL, *copy = NULL;
	int rc = trc_report_create(flags, &file, 1, o->sources, o->source_count, &report, NULL);

	for (size_t event = 0; !rc && event < trc_event_count(o->metadata); event += 2)
		rc = trc_report_leave_out(report, 0, event, NULL);
	if (!rc)
		rc = trc_report_set_functions(report, 0, names, 2, NULL);
	if (!rc)
		rc = trc_report_copy(report, &copy, NULL);
	if (!rc)
		rc = add_left_out(copy, o, sum);
	trc_report_destroy(copy);
	trc_report_destroy(report);
	return rc;
}

static int job_filter(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const char text[] =
		"ftrace,sched/.*:(common_pid>3&&!comm=~\"a.*\")||nosuch==\"x\"||ip==\"do_one\"";
	struct trc_filter *filter;
	struct trc_bytes shown;
	uint32_t id;
	int rc = trc_filter_create(o->metadata, o->symbols, text, sizeof(text) - 1, NULL, 0, &filter, NULL);

	(void)flags;
	if (rc)
		return rc;
	for (size_t i = 0; !(rc = trc_filter_text(filter, i, &id, &shown, NULL)); i++) {
		add(sum, shown.data, shown.size);
		trc_bytes_free(&shown);
	}
	for (size_t i = 0; trc_filter_comparison(filter, i, &id, NULL) != TRC_NOT_FOUND; i++)
		;
	trc_filter_destroy(filter);
	return rc == TRC_NOT_FOUND ? TRC_OK : rc;
}

/* Filters of filters, one of them in two places, and what they let through. */
static int job_joined_filters(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const char *const texts[] = { "common_pid > 3", "common_type != 0" };
	static const struct trc_filter_step steps[] = {
		{ TRC_FILTER_ALL, 0, 2 },
		{ TRC_FILTER_ANY, 2, 2 },
		{ TRC_FILTER_NONE, 4, 3 },
	};
	static const uint32_t parts[] = { 0, 1, 2, 0, 2, 3, 1 };
	static const uint8_t payload[64];
	struct trc_filter *filters[3] = { 0 };
	int rc = TRC_OK;

	(void)flags;
	for (size_t i = 0; !rc && i < 2; i++)
		rc = trc_filter_create(o->metadata, NULL, texts[i], strlen(texts[i]), NULL, 0, &filters[i],
				       NULL);
	if (!rc) {
		const struct trc_filter *joined[] = { filters[0], filters[1] };
		const struct trc_filter_join join = { joined, steps, parts, 2, 3, 7 };

		rc = trc_filter_create_joined(&join, &filters[2], NULL);
	}
	for (uint32_t id = 0; !rc && id < 10; id++) {
		int passes = trc_filter_passes(filters[2], id, payload, sizeof(payload), 0);

		add(sum, &passes, sizeof(passes));
	}
	for (size_t i = 3; i-- > 0;)
		trc_filter_destroy(filters[i]);
	return rc;
}

static int add_names(const struct trc_value_names *names, struct sum *sum)
{
	struct trc_value_list list;

	for (size_t i = 0; !trc_value_list(names, i, &list, NULL); i++) {
		add(sum, list.field, list.field_size);
		for (size_t n = 0; n < list.count; n++) {
			const char *name;
			uint64_t value;
			size_t size;
			int rc = trc_value_name(names, i, n, &value, &name, &size, NULL);

			if (rc)
				return rc;
			add(sum, &value, sizeof(value));
			add(sum, name, size);
		}
	}
	return TRC_OK;
}

static int job_value_names(const struct opened *o, uint32_t flags, struct sum *sum)
{
	(void)flags;
	for (size_t event = 0; event < trc_event_count(o->metadata); event++) {
		struct trc_value_names *names;
		int rc = trc_value_names_create(o->metadata, event, &names, NULL);

		if (rc)
			return rc;
		rc = add_names(names, sum);
		trc_value_names_destroy(names);
		if (rc)
			return rc;
		add(sum, &event, sizeof(event));
	}
	return TRC_OK;
}

static int job_symbol_fields(const struct opened *o, uint32_t flags, struct sum *sum)
{
	(void)flags;
	for (size_t event = 0; event < trc_event_count(o->metadata); event++) {
		uint8_t shown[FIELDS_MAX];
		int rc = trc_event_symbol_fields(o->metadata, event, shown, FIELDS_MAX, NULL);

		if (rc)
			return rc;
		add(sum, shown, sizeof(shown));
	}
	return TRC_OK;
}

/* One event's format alone, without a file. */
static int job_format(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const char text[] = "name: one\nID: 7\nformat:\n"
				   "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
				   "\tfield:u32 four[4];\toffset:8;\tsize:16;\tsigned:0;\n"
				   "\tfield:struct a b{;\toffset:24;\tsize:8;\tsigned:0;\n"
				   "\tfield:__data_loc char[] text;\toffset:32;\tsize:4;\tsigned:0;\n\n"
				   "print fmt: \"%s\", __get_str(text)\n";
	struct trc_metadata *metadata;
	struct trc_event_info info;
	int rc = trc_metadata_create_of_format("test", 4, text, sizeof(text) - 1, 8, &metadata, NULL);

	(void)o;
	(void)flags;
	if (rc)
		return rc;
	rc = trc_event(metadata, 0, &info, NULL);
	for (size_t i = 0; !rc && i < info.common_count + info.field_count; i++) {
		struct trc_field_info field;

		rc = trc_event_field(metadata, 0, i, &field, NULL);
		if (!rc) {
			add(sum, field.type, field.type_size);
			add(sum, &field.offset, sizeof(field.offset));
		}
	}
	trc_metadata_destroy(metadata);
	return rc;
}

static int read_batches(struct trc_columns *columns, struct sum *sum)
{
	struct ArrowSchema schema, copy;
	int64_t rows = 0;
	int rc = trc_columns_schema(columns, &schema, NULL);

	if (rc)
		return rc;
	rc = trc_schema_copy(&schema, &copy, NULL);
	schema.release(&schema);
	if (rc)
		return rc;
	copy.release(&copy);
	do {
		struct ArrowArray batch;

		while ((rc = trc_columns_next(columns, 100, &batch, NULL)) == TRC_GO_ON)
			continue;
		if (rc)
			return rc;
		rows = batch.length;
		add(sum, &rows, sizeof(rows));
		batch.release(&batch);
	} while (rows);
	return TRC_OK;
}

static int has_stacks(const struct opened *o)
{
	size_t event;

	return !trc_event_find(o->metadata, "ftrace", 6, "kernel_stack", 12, &event, NULL);
}

static int job_columns(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const struct trc_column wanted[] = {
		{ .name = "ts", .kind = TRC_COLUMN_TS },
		{ .name = "comm", .kind = TRC_COLUMN_COMM },
		{ .name = "event", .kind = TRC_COLUMN_EVENT },
		{ .name = "pid", .field = "common_pid", .kind = TRC_COLUMN_FIELD },
		{ .name = "print.ip", .field = "ip", .kind = TRC_COLUMN_FIELD, .event = "ftrace:print" },
		{ .name = "called", .field = "ip", .kind = TRC_COLUMN_SYMBOL, .event = "ftrace:print" },
		{ .name = "stack",
		  .field = "caller",
		  .kind = TRC_COLUMN_SYMBOL,
		  .event = "ftrace:kernel_stack" },
	};
	struct trc_columns_options options = {
		.walk = { .until_last = 1 },
		.flags = flags,
		.column_count = sizeof(wanted) / sizeof(*wanted) - !has_stacks(o),
		.columns = wanted,
	};
	static uint8_t all[TRC_EVENT_ID_BYTES];
	struct trc_columns_source sources[MAX_SOURCES] = { 0 };
	struct trc_columns *columns;
	int rc;

	memset(all, 0xff, sizeof(all));
	for (size_t i = 0; i < o->source_count; i++) {
		sources[i].walk = o->walked[i];
		sources[i].walk.event_ids = all;
		sources[i].symbols = o->symbols;
	}
	rc = trc_columns_create(sources, o->source_count, &options, &columns, NULL);
	if (rc)
		return rc;
	rc = read_batches(columns, sum);
	if (!rc)
		rc = trc_columns_restart(columns, &options.walk, NULL);
	if (!rc)
		rc = read_batches(columns, sum);
	trc_columns_destroy(columns);
	return rc;
}

/* Up to so many records, and how many of them a reader takes at once. */
enum { RECORDS = 256, AT_ONCE = 100 };

struct records {
	struct trc_batch batch;
	uint64_t ts[RECORDS], payload_end[RECORDS];
	uint32_t source[RECORDS], id[RECORDS], size[RECORDS];
	int32_t pid[RECORDS];
	uint8_t payload[1 << 16];
};

static int read_records(const struct opened *o, struct records *r)
{
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_walk *walk;
	int rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);

	if (rc)
		return rc;
	r->batch = (struct trc_batch){
		.room = RECORDS,
		.payload_room = sizeof(r->payload),
		.ts = r->ts,
		.source = r->source,
		.id = r->id,
		.pid = r->pid,
		.size = r->size,
		.payload_end = r->payload_end,
		.payload = r->payload,
	};
	rc = trc_walk_next(walk, &r->batch, NULL);
	trc_walk_destroy(walk);
	return rc;
}

/* What the array is made of is the columns' business; that it can be given back is not. */
static int take_array(int rc, struct ArrowArray *array, struct sum *sum)
{
	if (rc)
		return rc;
	add(sum, &array->length, sizeof(array->length));
	add(sum, &array->null_count, sizeof(array->null_count));
	array->release(array);
	return TRC_OK;
}

static int read_field(const struct trc_field_reader *reader, const struct records *r, uint32_t id,
		      struct sum *sum)
{
	const uint8_t *first = r->payload;
	struct ArrowSchema schema;
	struct ArrowArray array;
	int rc = trc_field_reader_schema(reader, &schema, NULL);

	if (rc)
		return rc;
	schema.release(&schema);
	for (size_t at = 0; !rc && at < r->batch.count; at += AT_ONCE) {
		size_t left = r->batch.count - at;

		rc = trc_field_reader_values(reader, &r->batch, at, left < AT_ONCE ? left : AT_ONCE, id, 0,
					     &array, NULL);
		rc = take_array(rc, &array, sum);
	}
	for (uint32_t size = 0; !rc && r->batch.count && size <= r->size[0]; size += 3) {
		rc = trc_field_reader_value(reader, first, size, 1, &array, NULL);
		rc = take_array(rc, &array, sum);
	}
	return rc;
}

/* All fields of the event that a record is of. */
static int read_event(const struct opened *o, const struct records *r, size_t record, struct sum *sum)
{
	struct trc_field_reader *reader;
	struct trc_event_info event;
	size_t index;
	int rc;

	if (trc_event_find_id(o->metadata, r->id[record], &index, NULL))
		return TRC_OK;
	rc = trc_event(o->metadata, index, &event, NULL);
	for (size_t i = 0; !rc && i < event.common_count + (size_t)event.field_count; i++) {
		rc = trc_field_reader_create(o->metadata, index, i, &reader, NULL);
		if (rc)
			return rc;
		rc = read_field(reader, r, event.id, sum);
		trc_field_reader_destroy(reader);
	}
	return rc;
}

static int job_fields(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static struct records records;
	struct trc_field_reader *reader;
	int rc = read_records(o, &records);

	(void)flags;
	if (!rc && records.batch.count)
		rc = read_event(o, &records, 0, sum);
	if (!rc && records.batch.count)
		rc = read_event(o, &records, records.batch.count - 1, sum);
	if (rc || (rc = trc_common_reader_create(o->metadata, TRC_COLUMN_FLAGS, &reader, NULL)))
		return rc;
	rc = read_field(reader, &records, 0, sum);
	trc_field_reader_destroy(reader);
	return rc;
}

static void take_pieces(struct trc_writer *writer, struct sum *sum)
{
	struct trc_piece piece;

	for (trc_writer_next_piece(writer, &piece); piece.size; trc_writer_next_piece(writer, &piece))
		add(sum, piece.data, piece.size);
}

static int write_stream(const struct opened *o, size_t source, struct trc_writer *writer,
			struct trc_block *block, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_cut *cut;
	int begun = 0, rc = trc_cut_create(&o->walked[source], &options, &cut, NULL);

	if (rc)
		return rc;
	while ((rc = trc_cut_next(cut, block, NULL)) == TRC_GO_ON || (!rc && trc_block_size(block))) {
		if (rc == TRC_GO_ON)
			continue;
		if (!begun++ && (rc = trc_writer_begin(writer, o->sources[source].buffer,
						       o->sources[source].cpu, NULL)))
			break;
		take_pieces(writer, sum);
		if ((rc = trc_block_pack(block, NULL)) || (rc = trc_writer_put(writer, block, NULL)))
			break;
		take_pieces(writer, sum);
	}
	trc_cut_destroy(cut);
	return rc;
}

/* The whole file in another format: flags are version | compression << 8. */
static int job_write(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const struct trc_write_format format = { .version = flags & 255, .compression = flags >> 8 };
	struct trc_outline *outline = NULL;
	struct trc_writer *writer = NULL;
	struct trc_block *block = NULL;
	int rc;

	if (!(rc = trc_outline_of_file(o->file, &outline, NULL)) &&
	    !(rc = trc_block_create(outline, &format, &block, NULL)))
		rc = trc_writer_create(outline, &format, &writer, NULL);
	if (!rc)
		take_pieces(writer, sum);
	for (size_t i = 0; !rc && i < o->source_count; i++)
		rc = write_stream(o, i, writer, block, sum);
	if (!rc && !(rc = trc_writer_end(writer, NULL)))
		take_pieces(writer, sum);
	trc_writer_destroy(writer);
	trc_block_destroy(block);
	trc_outline_destroy(outline);
	return rc;
}

/* --- analyses ----------------------------------------------------------------------------- */

static int read_answer(int rc, struct trc_analysis **made, struct sum *sum)
{
	struct trc_analysis *analysis = *made;
	struct ArrowSchema schema;
	int64_t rows = 1;

	if (rc == TRC_NOT_FOUND) /* the file does not have these events */
		return TRC_OK;
	if (rc)
		return rc;
	rc = trc_analysis_schema(analysis, &schema, NULL);
	if (!rc)
		schema.release(&schema);
	while (!rc && rows) {
		struct ArrowArray batch;

		while ((rc = trc_analysis_next(analysis, 100, &batch, NULL)) == TRC_GO_ON)
			continue;
		if (rc)
			break;
		rows = batch.length;
		add(sum, &rows, sizeof(rows));
		batch.release(&batch);
	}
	trc_analysis_destroy(analysis);
	return rc;
}

static int ask_spans(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, struct sum *sum)
{
	static const struct trc_span_part keys[] = {
		{ TRC_SPAN_PID, "", "", "" },
		{ TRC_SPAN_FIELD, "id", "id", "id" },
	};
	static const struct trc_span_part fields[] = {
		{ TRC_SPAN_END, "ret", "ret", "ret" },
		{ TRC_SPAN_EVENT, "name", "sys_", "" },
	};
	static const struct trc_spans_options spans = {
		"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", keys, 2, fields, 2,
	};
	static const struct trc_residency_options residency = { "sched:sched_wakeup", "comm", "prio", "comm",
								"prio", 0 };
	struct trc_analysis *analysis = NULL;
	int rc = read_answer(trc_spans_create(sources, count, options, &spans, &analysis, NULL), &analysis, sum);

	return rc ? rc :
		    read_answer(trc_residency_create(sources, count, options, &residency, &analysis, NULL),
				&analysis, sum);
}

static int ask_calls(const struct opened *o, const struct trc_analysis_source *sources,
		     const struct trc_analysis_options *options, struct sum *sum)
{
	const struct trc_symbols *symbols[MAX_SOURCES] = { 0 };
	struct trc_analysis *analysis = NULL;
	int rc = TRC_OK;

	for (size_t i = 0; i < o->source_count; i++)
		symbols[i] = o->symbols;
	for (uint32_t kind = TRC_CALLS_FUNCTIONS; !rc && kind <= TRC_CALLS_EXITS; kind++) {
		const struct trc_calls_options of = {
			.kind = kind,
			.by = TRC_CALLS_BY_PARENT | TRC_CALLS_BY_TASK | TRC_CALLS_BY_CPU,
			.reason = "exit_reason",
			.second = "isa",
			.symbols = symbols,
		};

		rc = read_answer(trc_calls_create(sources, o->source_count, options, &of, &analysis, NULL),
				 &analysis, sum);
	}
	return rc;
}

static int ask_jobs(const struct opened *o, const struct trc_analysis_source *sources,
		    const struct trc_analysis_options *options, struct sum *sum)
{
	static const char *const keys[] = { "pid" };
	static const struct trc_job_field fields[] = {
		{ TRC_JOB_VALUE, TRC_JOB_QUEUE, 1, "comm", "name" },
		{ TRC_JOB_SYMBOL, TRC_JOB_START | TRC_JOB_END, 0, "target_cpu", NULL },
	};
	const struct trc_symbols *symbols[MAX_SOURCES] = { 0 };
	const struct trc_jobs_options of = {
		.queue = "sched:sched_waking",
		.start = "sched:sched_wakeup",
		.end = "sched:sched_process_free",
		.cancel = "sched:sched_process_exit",
		.keys = keys,
		.key_count = 1,
		.fields = fields,
		.field_count = 2,
		.symbols = symbols,
	};
	static const char *const events[] = { "sched:sched_switch", "sched:sched_waking" };
	const struct trc_counts_options counts = {
		TRC_COUNTS_BY_FUNCTION, events, 2, "common_pid", symbols,
	};
	struct trc_analysis *analysis = NULL;
	int rc;

	for (size_t i = 0; i < o->source_count; i++)
		symbols[i] = o->symbols;
	rc = read_answer(trc_jobs_create(sources, o->source_count, options, &of, &analysis, NULL), &analysis, sum);
	return rc ? rc :
		    read_answer(trc_counts_create(sources, o->source_count, options, &counts, &analysis, NULL),
				&analysis, sum);
}

static int job_analyses(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const struct trc_sched_wait wait = { 0, UINT64_MAX - 1, 23, 0, 0, 1, "task" };
	static const struct trc_sched_options sched[] = {
		{ TRC_SCHED_STATES, 0, NULL },  { TRC_SCHED_TASKS, 0, NULL },	{ TRC_SCHED_LATENCY, 0, NULL },
		{ TRC_SCHED_LATENCY, 3, NULL }, { TRC_SCHED_NR_RUNNING, 0, NULL }, { TRC_SCHED_WAKERS, 0, NULL },
		{ TRC_SCHED_HOLDERS, 0, &wait },
	};
	const struct trc_analysis_options options = { .flags = flags, .until_last = 1, .end = UINT64_MAX };
	struct trc_analysis_source sources[MAX_SOURCES] = { 0 };
	struct trc_analysis *analysis = NULL;
	int rc;

	for (size_t i = 0; i < o->source_count; i++)
		sources[i] = (struct trc_analysis_source){ o->walked[i].data, o->walked[i].stream, "peer" };
	rc = read_answer(trc_losses_create(sources, o->source_count, &options, &analysis, NULL), &analysis, sum);
	if (!rc)
		rc = read_answer(trc_markers_create(sources, o->source_count, &options, &analysis, NULL),
				 &analysis, sum);
	if (!rc)
		rc = ask_spans(sources, o->source_count, &options, sum);
	for (size_t i = 0; !rc && i < sizeof(sched) / sizeof(*sched); i++)
		rc = read_answer(trc_sched_create(sources, o->source_count, &options, &sched[i], &analysis,
						  NULL),
				 &analysis, sum);
	if (!rc)
		rc = ask_jobs(o, sources, &options, sum);
	return rc ? rc : ask_calls(o, sources, &options, sum);
}

/* What vCPUs do; the file is the host's, or a guest's. */
static int ask_vcpus(const struct opened *o, uint32_t flags, int of_host, struct sum *sum)
{
	static const char *const fields[] = { "prio", "next_comm" };
	static const struct trc_vcpu vcpu = { .guest = "guest", .host_pid = 1, .has_task = 1, .comm = "task" };
	struct trc_analysis_options options = { 0 };
	int rc;
	struct trc_analysis_source sources[MAX_SOURCES] = { 0 };
	uint32_t vcpu_of[MAX_SOURCES] = { 0 };
	const struct trc_vcpu_options of = {
		.flags = flags | TRC_VCPU_SWITCHES | TRC_VCPU_WAKES,
		.end = INT64_MAX,
		.vcpus = &vcpu,
		.vcpu_count = 1,
		.vcpu_of = vcpu_of,
		.fields = fields,
		.field_names = fields,
		.field_count = 2,
	};
	struct trc_analysis *analysis = NULL;

	for (size_t i = 0; i < o->source_count; i++) {
		sources[i] = (struct trc_analysis_source){ o->walked[i].data, o->walked[i].stream, "peer" };
		vcpu_of[i] = of_host ? UINT32_MAX : 0;
	}
	/* The first records will do. */
	rc = trc_stream_page_ts(o->walked[0].data, o->walked[0].stream, 0, &options.start, NULL);
	if (rc)
		return rc;
	options.end = options.start + 20 * 1000 * 1000;
	return read_answer(trc_vcpus_create(sources, o->source_count, &options, &of, &analysis, NULL),
			   &analysis, sum);
}

static int job_vcpus(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const uint32_t kinds[] = { 0, TRC_VCPU_UNKNOWN, TRC_VCPU_TABLE, TRC_VCPU_WAKEUPS };
	int rc = TRC_OK;

	(void)flags;
	for (size_t i = 0; !rc && i < sizeof(kinds) / sizeof(*kinds); i++) {
		rc = ask_vcpus(o, kinds[i], 1, sum);
		if (!rc)
			rc = ask_vcpus(o, kinds[i], 0, sum);
	}
	return rc;
}

/* Profiles with a hook of two events that are there, or not. */
static int take_profile(const struct opened *o, struct trc_profile *profile, struct sum *sum)
{
	static const char text[] = "sched_switch,prev_pid/sched_switch,next_pid,g";
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_walk *walk = NULL;
	struct trc_hook hook;
	const char *lines;
	size_t size;
	int rc = trc_hook_parse(text, sizeof(text) - 1, &hook, NULL);

	if (!rc && o->source_count)
		rc = trc_profile_add_hook(profile, 0, &hook, NULL);
	if (rc == TRC_NOT_FOUND)
		rc = TRC_OK;
	if (!rc)
		rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);
	if (rc)
		return rc;
	while ((rc = trc_profile_next(profile, walk, NULL)) == TRC_GO_ON)
		continue;
	trc_walk_destroy(walk);
	while (!rc && !(rc = trc_profile_text(profile, ENOUGH, &lines, &size, NULL)) && size)
		add(sum, lines, size);
	return rc;
}

static int job_profile(const struct opened *o, uint32_t flags, struct sum *sum)
{
	struct trc_analysis_source sources[MAX_SOURCES] = { 0 };
	const struct trc_symbols *symbols[MAX_SOURCES];
	const struct trc_profile_options options = { .flags = flags, .symbols = symbols };
	struct trc_profile *profile;
	int rc;

	for (size_t i = 0; i < o->source_count; i++) {
		sources[i] = (struct trc_analysis_source){ o->walked[i].data, o->walked[i].stream, NULL };
		symbols[i] = o->symbols;
	}
	rc = trc_profile_create(sources, o->source_count, &options, &profile, NULL);
	if (rc)
		return rc;
	rc = take_profile(o, profile, sum);
	trc_profile_destroy(profile);
	return rc;
}

/* --- for Perfetto -------------------------------------------------------------------------- */

static int job_perfetto(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const uint32_t buffers[] = { 0, 1 };
	const struct trc_perfetto_machine machine = {
		.metadata = o->metadata,
		.symbols = o->symbols,
		.machine_id = flags,
		.sequence_id = 1,
		.buffers = buffers,
		.buffers_count = 2,
	};
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_perfetto_source sources[MAX_SOURCES];
	struct trc_perfetto *perfetto = NULL;
	struct trc_walk *walk = NULL;
	const uint8_t *packets;
	size_t size = 0;
	int rc;

	for (size_t i = 0; i < o->source_count; i++)
		sources[i] = (struct trc_perfetto_source){
			.buffer = o->sources[i].buffer,
			.cpu = o->sources[i].cpu,
			.instance = o->sources[i].buffer ? "an instance" : "",
		};
	if (!(rc = trc_perfetto_create(&machine, 1, sources, o->source_count, &perfetto, NULL)) &&
	    !(rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL))) {
		do {
			rc = trc_perfetto_next(perfetto, walk, ENOUGH, &packets, &size, NULL);
			if (!rc)
				add(sum, packets, size);
		} while (rc == TRC_GO_ON || (!rc && size));
	}
	trc_walk_destroy(walk);
	trc_perfetto_destroy(perfetto);
	return rc;
}

/* --- running them -------------------------------------------------------------------------- */

static const struct job {
	const char *name;
	int (*run)(const struct opened *o, uint32_t flags, struct sum *sum);
	uint32_t flags;
} jobs[] = {
	{ "open", job_open, 0 },
	{ "report", job_report, 0 },
	{ "report -R --ts-diff", job_report, TRC_REPORT_RAW | TRC_REPORT_TS_DIFF },
	{ "report -w", job_report, TRC_REPORT_WAKEUPS },
	{ "report --kernel-text", job_report, TRC_REPORT_KERNEL_TEXT },
	{ "report without texts", job_left_out, 0 },
	{ "filter", job_filter, 0 },
	{ "joined filters", job_joined_filters, 0 },
	{ "value names", job_value_names, 0 },
	{ "symbol fields", job_symbol_fields, 0 },
	{ "format", job_format, 0 },
	{ "columns", job_columns, 0 },
	{ "fields", job_fields, 0 },
	{ "columns without dictionaries", job_columns, TRC_COLUMNS_NO_DICTIONARY },
	{ "write version 6", job_write, 6 },
	{ "write version 7 with zstd", job_write, 7 | TRC_COMPRESSION_ZSTD << 8 },
	{ "analyses", job_analyses, TRC_ANALYSIS_PEER },
	{ "profile --by-comm", job_profile, TRC_PROFILE_BY_COMM },
	{ "perfetto", job_perfetto, 7 },
	{ "vcpus", job_vcpus, 0 },
};

static int run_job(const struct job *job, const struct opened *o, unsigned long fail, struct sum *sum)
{
	int rc;

	*sum = (struct sum){ 0 };
	allocations = 0;
	failing = fail;
	rc = job->run(o, job->flags, sum);
	failing = 0;
	return rc;
}

static int try_job(const struct job *job, const struct opened *o)
{
	struct sum whole, sum;
	unsigned long count;
	int rc = run_job(job, o, 0, &whole);

	count = allocations;
	if (rc || !count || !whole.bytes) {
		fprintf(stderr, "no_memory: %s: code %d, %lu allocations\n", job->name, rc, count);
		return 1;
	}
	for (unsigned long n = 1; n <= count; n++) {
		rc = run_job(job, o, n, &sum);
		if (rc == TRC_NO_MEMORY || (!rc && sum.bytes == whole.bytes && sum.hash == whole.hash))
			continue;
		fprintf(stderr, "no_memory: %s: allocation %lu of %lu fails: code %d\n", job->name, n, count,
			rc);
		return 1;
	}
	printf("%s: %lu\n", job->name, count);
	return 0;
}

int main(int argc, char **argv)
{
	struct opened o;
	int failed = 0;

	if (argc != 2)
		return 2;
	path = argv[1];
	if (open_file(&o))
		return 2;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++)
		failed |= try_job(&jobs[i], &o);
	close_file(&o);
	return failed;
}
