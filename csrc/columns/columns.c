/* SPDX-License-Identifier: MIT */
#include "columns/columns.h"

#include <stdlib.h>
#include <string.h>

#include "arrow/api.h"
#include "base/error.h"
#include "columns/api.h"
#include "columns/set.h"
#include "columns/symbol.h"
#include "file/file.h"
#include "filter/api.h"
#include "records/api.h"

#define PAGE_ROWS 64 /* about so many records a page has, if they are small */

/* Records at hand, all of one event of one file. */
struct stretch {
	struct column_rows rows;
	const struct file_plans *file;
	const struct plan *plan;
};

/* --- common columns -------------------------------------------------------------------------- */

/* Where count more values go, which the caller fills in; NULL: out of memory. */
static void *make_room(struct column_builder *builder, size_t width, size_t count)
{
	return arrow_buffer_append(&builder->values, width * count);
}

static bool put_index(struct column_builder *builder, uint32_t index)
{
	uint32_t *to = index == UINT32_MAX ? NULL : make_room(builder, sizeof(*to), 1);

	if (to)
		*to = index;
	return to;
}

static bool put_text(struct column_builder *builder, struct text text, size_t count)
{
	uint32_t index = 0;

	if (builder->type.dictionary)
		index = column_builder_index(builder, (const uint8_t *)text.start, text.size);
	for (size_t i = 0; i < count; i++) {
		if (!(builder->type.dictionary ?
			      put_index(builder, index) :
			      column_builder_bytes(builder, (const uint8_t *)text.start, text.size)))
			return false;
	}
	return true;
}

static int32_t pid_of(const struct stretch *stretch, size_t row)
{
	const struct walk_record *record = &stretch->rows.records[row];

	return record_pid(stretch->file->data->common.pid, stretch->file->big_endian, record->payload,
			  record->size);
}

static bool put_times(struct column_builder *builder, const struct column_rows *rows)
{
	const struct walk_record *records = rows->records;
	uint64_t *to = make_room(builder, sizeof(*to), rows->count);

	for (size_t i = 0, count = to ? rows->count : 0; i < count; i++)
		to[i] = records[i].ts;
	return to;
}

static bool put_cpus(const struct trc_columns *columns, struct column_builder *builder,
		     const struct column_rows *rows)
{
	const struct walk_record *records = rows->records;
	const uint32_t *cpus = columns->cpus;
	uint32_t *to = make_room(builder, sizeof(*to), rows->count);

	for (size_t i = 0, count = to ? rows->count : 0; i < count; i++)
		to[i] = cpus[records[i].source];
	return to;
}

static bool put_pids(struct column_builder *builder, const struct stretch *stretch)
{
	int32_t *to = make_room(builder, sizeof(*to), stretch->rows.count);

	for (size_t i = 0; to && i < stretch->rows.count; i++)
		to[i] = pid_of(stretch, i);
	return to;
}

static bool put_missed(const struct trc_columns *columns, struct column_builder *builder,
		       const struct column_rows *rows)
{
	int64_t *to = make_room(builder, sizeof(*to), rows->count);

	if (to)
		memcpy(to, columns->missed_events + (rows->records - columns->records),
		       rows->count * sizeof(*to));
	return to;
}

static bool put_comms(struct column *column, const struct stretch *stretch)
{
	const struct saved_cmdlines *saved = &stretch->file->data->metadata->cmdlines;
	struct column_builder *builder = &column->builder;

	for (size_t i = 0; i < stretch->rows.count; i++) {
		int32_t pid = pid_of(stretch, i);
		struct lookup_slot *slot = lookup_slot_of(column->cache, (uint32_t)pid, (uintptr_t)saved);
		struct text comm;

		if (lookup_slot_has(slot, (uint32_t)pid, (uintptr_t)saved)) {
			if (!put_index(builder, slot->number))
				return false;
			continue;
		}
		comm = saved_cmdlines_comm(saved, pid);
		if (!put_text(builder, comm, 1))
			return false;
		if (builder->type.dictionary) {
			uint32_t index;

			memcpy(&index, builder->values.data + builder->values.size - sizeof(index),
			       sizeof(index));
			*slot = (struct lookup_slot){ (uint32_t)pid, (uintptr_t)saved, index };
		}
	}
	return true;
}

static bool put_source_texts(const struct trc_columns *columns, struct column *column,
			     const struct column_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		uint32_t source = rows->records[i].source;
		const struct source *of = &columns->sources[source];
		uint32_t *known = &column->of_source[source];
		struct text text = column->kind == TRC_COLUMN_PEER ? of->peer : of->buffer;

		if (!column->builder.type.dictionary) {
			if (!put_text(&column->builder, text, 1))
				return false;
			continue;
		}
		if (!*known)
			*known = column_builder_index(&column->builder, (const uint8_t *)text.start,
						      text.size) +
				 1;
		if (!put_index(&column->builder, *known - 1))
			return false;
	}
	return true;
}

/* Where the records have the integers or whatever else of a column; NULL: it is not of their bytes. */
static const struct field_access *access_of(const struct column *column, size_t index,
					    const struct stretch *stretch)
{
	switch (column->kind) {
	case TRC_COLUMN_PID:
		return &stretch->file->pid;
	case TRC_COLUMN_FLAGS:
		return &stretch->file->flags;
	case TRC_COLUMN_PREEMPT_COUNT:
		return &stretch->file->preempt_count;
	case TRC_COLUMN_FIELD:
	case TRC_COLUMN_SYMBOL:
		return stretch->plan->has[index] ? &stretch->plan->access[index] : NULL;
	default:
		return NULL;
	}
}

static bool put_column(const struct trc_columns *columns, struct column *column,
		       const struct field_access *access, const struct stretch *stretch)
{
	const struct plan *plan = stretch->plan;
	const struct column_rows *rows = &stretch->rows;
	struct column_builder *builder = &column->builder;

	switch (column->kind) {
	case TRC_COLUMN_TS:
		return put_times(builder, rows);
	case TRC_COLUMN_CPU:
		return put_cpus(columns, builder, rows);
	case TRC_COLUMN_PID:
		return put_pids(builder, stretch);
	case TRC_COLUMN_MISSED_EVENTS:
		return put_missed(columns, builder, rows);
	case TRC_COLUMN_COMM:
		return put_comms(column, stretch);
	case TRC_COLUMN_EVENT:
		return plan->event ? put_text(builder, plan->event->name, rows->count) :
				     column_put_nulls(builder, rows->count);
	case TRC_COLUMN_SYSTEM:
		return plan->event ? put_text(builder, plan->event->system, rows->count) :
				     column_put_nulls(builder, rows->count);
	case TRC_COLUMN_BUFFER:
	case TRC_COLUMN_PEER:
		return put_source_texts(columns, column, rows);
	case TRC_COLUMN_SYMBOL:
		return access ? column_put_symbols(builder, &column->addresses, column->cache,
						   stretch->file->kallsyms, rows, access) :
				column_put_nulls(builder, rows->count);
	default:
		return access ? column_put_field(builder, column->cache, rows, access) :
				column_put_nulls(builder, rows->count);
	}
}

/* --- batches --------------------------------------------------------------------------------- */

static const struct file_plans *file_of(const struct trc_columns *columns, const struct walk_record *record)
{
	return &columns->files[columns->sources[record->source].file];
}

static uint32_t id_of(const struct file_plans *file, const struct walk_record *record)
{
	return record_id(file->data->common.type, file->big_endian, record->payload, record->size);
}

/* How many of the records, from the first on, are of one event of one file. */
static size_t same_event(const struct trc_columns *columns, const struct walk_record *records, size_t count)
{
	const struct file_plans *file = file_of(columns, records);
	uint32_t id = id_of(file, records);
	size_t same = 1;

	while (same < count && file_of(columns, &records[same]) == file && id_of(file, &records[same]) == id)
		same++;
	return same;
}

static uint32_t shortest(const struct walk_record *records, size_t count)
{
	uint32_t size = UINT32_MAX;

	for (size_t i = 0; i < count; i++)
		size = records[i].size < size ? records[i].size : size;
	return size;
}

/* The longest stretch of records from the first on. */
static struct stretch next_stretch(const struct trc_columns *columns, const struct walk_record *records,
				   size_t count)
{
	const struct file_plans *file = file_of(columns, records);
	const struct plan *plan = columns->only;

	if (!plan) {
		uint32_t id = id_of(file, records);

		count = same_event(columns, records, count);
		plan = &file->plans[id < file->formats->id_count ? file->by_id[id] : 0];
	}
	return (struct stretch){
		.rows = { records, count, shortest(records, count), file->big_endian },
		.file = file,
		.plan = plan,
	};
}

/* Marks with 1 those of a stretch that their filter passes, at most PORTION. */
static void filter_stretch(const struct trc_columns *columns, const struct stretch *stretch, uint8_t *pass)
{
	const struct walk_record *records = stretch->rows.records;
	const struct trc_filter *filter = columns->sources[records->source].filter;
	uint32_t size[PORTION], cpu[PORTION];
	const uint8_t *payload[PORTION];
	const struct filter_rows rows = { stretch->rows.count, payload, size, cpu };

	memset(pass, 1, rows.count);
	if (!filter)
		return;
	for (size_t i = 0; i < rows.count; i++) {
		payload[i] = records[i].payload;
		size[i] = records[i].size;
		cpu[i] = columns->cpus[records[i].source];
	}
	filter_run(filter, id_of(stretch->file, records), &rows, pass);
}

/* A loss before a record that does not pass is one before the next that does. */
static int64_t carry_missed(struct source *source, int64_t missed, bool pass)
{
	missed = add_missed(source->missed, missed);
	source->missed = pass ? 0 : missed;
	return missed;
}

static void note_first_rows(struct trc_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		struct source *source = &columns->sources[columns->records[i].source];

		if (source->first_row == UINT64_MAX)
			source->first_row = columns->rows_before + i;
	}
	columns->rows_before += columns->count;
}

/* Leaves those of a stretch that pass, after the kept ones; how many are kept then. */
static size_t keep_passed(struct trc_columns *columns, const struct stretch *stretch, const uint8_t *pass,
			  size_t kept)
{
	size_t from = (size_t)(stretch->rows.records - columns->records);

	for (size_t i = 0; i < stretch->rows.count; i++) {
		struct walk_record record = columns->records[from + i];

		if (columns->missed)
			columns->missed_events[kept] = carry_missed(
				&columns->sources[record.source], columns->missed_events[from + i], pass[i]);
		columns->records[kept] = record;
		kept += pass[i];
	}
	return kept;
}

/* Leaves the records of the portion that their filter passes. */
static void apply_filters(struct trc_columns *columns)
{
	size_t kept = 0;
	uint8_t pass[PORTION];

	for (size_t from = 0; from < columns->count;) {
		struct stretch stretch = next_stretch(columns, columns->records + from,
						      columns->count - from);

		filter_stretch(columns, &stretch, pass);
		kept = keep_passed(columns, &stretch, pass, kept);
		from += stretch.rows.count;
	}
	columns->count = kept;
}

static bool put_stretch(struct trc_columns *columns, const struct stretch *stretch)
{
	const struct column_rows *rows = &stretch->rows;
	struct gathers gathers = { 0 };

	for (size_t i = 0; i < columns->column_count; i++) {
		struct column *column = &columns->columns[i];
		const struct field_access *access = access_of(column, i, stretch);

		if (!(access && column_is_gathered(&column->builder, rows, access) ?
			      column_gather(&column->builder, rows, access, &gathers) :
			      put_column(columns, column, access, stretch)))
			return false;
		column->builder.rows += rows->count;
	}
	gather_rest(&gathers, rows->records, rows->count, rows->big_endian);
	return true;
}

/* The records of the portion into the columns, as far as they pass. */
static bool put_portion(struct trc_columns *columns)
{
	if (columns->filtered)
		apply_filters(columns);
	if (columns->missed)
		note_first_rows(columns);
	for (size_t from = 0; from < columns->count;) {
		struct stretch stretch = next_stretch(columns, columns->records + from,
						      columns->count - from);

		if (!put_stretch(columns, &stretch))
			return false;
		from += stretch.rows.count;
	}
	return true;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The next records of the walk, at most room; count 0: there are no more. */
static int read_portion(struct trc_columns *columns, size_t room, struct trc_error *err)
{
	size_t count;
	int rc = walk_peek(columns->walk, &columns->records, &count, err);

	if (rc)
		return rc;
	columns->count = smaller(count, smaller(room, columns->portion));
	walk_take(columns->walk, columns->count);
	if (columns->missed)
		walk_missed(columns->walk, columns->records, columns->count, columns->missed_events);
	return TRC_OK;
}

static uint64_t batch_size(const struct trc_columns *columns)
{
	uint64_t size = 0;

	for (size_t i = 0; i < columns->column_count; i++)
		size += column_builder_size(&columns->columns[i].builder);
	return size;
}

/* About how many rows can still come, if all records of the pages that are left are among them. */
static size_t rows_left(const struct trc_columns *columns)
{
	uint64_t done, pages;

	trc_walk_progress(columns->walk, &done, &pages);
	pages = pages > done ? pages - done : 0;
	pages += columns->source_count; /* each may have one that was begun */
	return pages < SIZE_MAX / PAGE_ROWS ? (size_t)pages * PAGE_ROWS : SIZE_MAX;
}

static bool begin(struct trc_columns *columns, size_t max_rows)
{
	size_t rows = smaller(columns->expected_rows, max_rows);

	for (size_t i = 0; i < columns->column_count; i++) {
		struct column *column = &columns->columns[i];

		if (!column_builder_begin(&column->builder, rows, columns->begun ? &columns->memory : NULL))
			return false;
		if (column->cache)
			lookup_cache_clear(column->cache);
		if (column->of_source)
			memset(column->of_source, 0, columns->source_count * sizeof(*column->of_source));
	}
	return true;
}

/* Hands over what is built: builders into an array of their own, and back empty. */
static int hand_over(struct trc_columns *columns, size_t rows, struct ArrowArray *out, struct trc_error *err)
{
	struct column_builder *builders = calloc(columns->column_count + 1, sizeof(*builders));
	int rc;

	if (!builders)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < columns->column_count; i++)
		builders[i] = columns->columns[i].builder;
	rc = arrow_batch(builders, columns->column_count, rows, out, err);
	for (size_t i = 0; i < columns->column_count; i++)
		columns->columns[i].builder = builders[i];
	free(builders);
	return rc;
}

/* Records into the batch until it is full, or there are no more. */
static int fill_batch(struct trc_columns *columns, size_t max_rows, struct trc_error *err)
{
	while (columns->rows < max_rows && batch_size(columns) < BATCH_BYTES) {
		int rc = read_portion(columns, max_rows - columns->rows, err);

		if (rc)
			return rc;
		if (!columns->count)
			return TRC_OK;
		if (!put_portion(columns))
			return trc_fail_no_memory(err);
		columns->rows += columns->count;
	}
	return TRC_OK;
}

int trc_columns_next(struct trc_columns *columns, size_t max_rows, struct ArrowArray *out,
		     struct trc_error *err)
{
	int rc = walk_begin_stint(columns->walk, err);

	if (!rc && !max_rows)
		rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "columns: a batch of no rows");
	if (!rc && !columns->making) {
		columns->rows = 0;
		if (!begin(columns, smaller(max_rows, rows_left(columns))))
			rc = trc_fail_no_memory(err);
	}
	if (!rc)
		rc = fill_batch(columns, max_rows, err);
	columns->making = rc == TRC_GO_ON; /* what is half made is not a batch after a failure */
	if (rc)
		return rc;
	columns->expected_rows = columns->rows;
	columns->begun = true;
	return hand_over(columns, columns->rows, out, err);
}

void trc_columns_losses(const struct trc_columns *columns, size_t source, uint64_t *first_row,
			int64_t *missed)
{
	*first_row = UINT64_MAX;
	*missed = 0;
	if (source >= columns->source_count)
		return;
	*first_row = columns->sources[source].first_row;
	*missed = add_missed(columns->sources[source].missed, trc_walk_missed(columns->walk, source));
}

size_t trc_columns_problem_count(const struct trc_columns *columns)
{
	return trc_walk_problem_count(columns->walk);
}

int trc_columns_problem(const struct trc_columns *columns, size_t index, struct trc_error *problem)
{
	return trc_walk_problem(columns->walk, index, problem);
}

void trc_columns_progress(const struct trc_columns *columns, uint64_t *done, uint64_t *total)
{
	trc_walk_progress(columns->walk, done, total);
}

/* --- of a set -------------------------------------------------------------------------------- */

bool columns_begin(struct trc_columns *columns)
{
	return begin(columns, SIZE_MAX);
}

int columns_put_rows(struct trc_columns *columns, const struct trc_batch *from, const uint32_t *rows,
		     size_t count, size_t *put, struct trc_error *err)
{
	struct walk_record records[PORTION];

	for (size_t done = *put = 0; done < count;) {
		size_t n = smaller(count - done, columns->portion);

		for (size_t i = 0; i < n; i++) {
			uint32_t row = rows[done + i];

			records[i] = (struct walk_record){
				.ts = from->ts[row],
				.payload = from->address[row],
				.size = from->size[row],
				.source = from->source[row],
			};
		}
		columns->records = records;
		columns->count = n;
		if (!put_portion(columns))
			return trc_fail_no_memory(err);
		*put += columns->count;
		done += n;
	}
	columns->records = NULL;
	return TRC_OK;
}

uint64_t columns_size(const struct trc_columns *columns)
{
	return batch_size(columns);
}

int columns_hand_over(struct trc_columns *columns, size_t rows, struct ArrowArray *out, struct trc_error *err)
{
	columns->expected_rows = rows;
	return hand_over(columns, rows, out, err);
}
