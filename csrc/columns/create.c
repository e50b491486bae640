/* SPDX-License-Identifier: MIT */
/* Making columns: which fields of which events go where, and as what. */
#include <stdlib.h>
#include <string.h>

#include "arrow/api.h"
#include "arrow/schema.h"
#include "base/error.h"
#include "columns/api.h"
#include "columns/columns.h"
#include "columns/set.h"
#include "columns/symbol.h"
#include "file/api.h"
#include "file/file.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "records/api.h"

#define FIRST_BYTES ((uint64_t)4 << 20) /* at most so much is made ready for a first batch */
#define PORTION_VARIABLE 2048		/* values of varying size in a portion, over all columns */

/* --- plans ----------------------------------------------------------------------------------- */

static bool id_wanted(const uint8_t *event_ids, uint32_t id)
{
	return !event_ids || event_ids[id >> 3] >> (id & 7) & 1;
}

/* Whether a column is of the event: its field may be wanted of one alone, "SYSTEM:NAME". */
static bool is_of_event(const struct column *column, const struct event_format *event)
{
	size_t system_size = event->system.size;
	const char *name = column->event;

	return !name || (strlen(name) == system_size + 1 + event->name.size &&
			 !memcmp(name, event->system.start, system_size) && name[system_size] == ':' &&
			 !memcmp(name + system_size + 1, event->name.start, event->name.size));
}

static bool is_field(uint32_t kind)
{
	return kind == TRC_COLUMN_FIELD || kind == TRC_COLUMN_SYMBOL;
}

/* The fields of one event for all columns. */
static bool make_plan(const struct trc_columns *columns, const struct file_plans *file,
		      const struct event_format *event, struct plan *plan)
{
	*plan = (struct plan){
		.event = event,
		.has = calloc(columns->column_count + 1, sizeof(*plan->has)),
		.access = calloc(columns->column_count + 1, sizeof(*plan->access)),
	};
	if (!plan->has || !plan->access)
		return false;
	for (size_t i = 0; event && i < columns->column_count; i++) {
		const struct column *column = &columns->columns[i];
		const struct event_field *field;

		if (!is_field(column->kind) || !is_of_event(column, event))
			continue;
		field = event_field_by_name(event, column->field);
		if (!field)
			continue;
		plan->has[i] = true;
		plan->access[i] = field_access_of(event, field, file->long_size, columns->flags);
	}
	return true;
}

static int make_file(struct trc_columns *columns, const struct trc_data *data, struct trc_error *err)
{
	struct file_plans *file = &columns->files[columns->file_count];
	const struct event_formats *formats = &data->metadata->formats;

	*file = (struct file_plans){
		.data = data,
		.formats = formats,
		.long_size = data->metadata->long_size,
		.big_endian = data->metadata->big_endian,
		.pid = field_access_of_common(data->common.pid),
		.flags = field_access_of_common(data->common.flags),
		.preempt_count = field_access_of_common(data->common.preempt_count),
		.by_id = calloc((size_t)formats->id_count + 1, sizeof(*file->by_id)),
		.plans = calloc(formats->count + 2, sizeof(*file->plans)),
	};
	columns->file_count++;
	if (!file->by_id || !file->plans || !make_plan(columns, file, NULL, &file->plans[0]))
		return trc_fail_no_memory(err);
	file->plan_count = 1;
	return TRC_OK;
}

/* Plans for the events that a source adds to what is wanted of its file. */
static int add_events(struct trc_columns *columns, struct file_plans *file, const uint8_t *event_ids,
		      struct trc_error *err)
{
	for (uint32_t id = 0; id < file->formats->id_count; id++) {
		const struct event_format *event = file->formats->by_id[id];

		if (!event || file->by_id[id] || !id_wanted(event_ids, id))
			continue;
		if (!make_plan(columns, file, event, &file->plans[file->plan_count]))
			return trc_fail_no_memory(err);
		file->by_id[id] = (uint32_t)file->plan_count++;
	}
	return TRC_OK;
}

static struct text text_of(const char *string)
{
	return string ? (struct text){ string, strlen(string) } : TEXT("");
}

/* The place of a file in files, where it is put if need be. */
static int find_file(struct trc_columns *columns, const struct trc_data *data, size_t *file,
		     struct trc_error *err)
{
	for (*file = 0; *file < columns->file_count; ++*file) {
		if (columns->files[*file].data == data)
			return TRC_OK;
	}
	return make_file(columns, data, err);
}

/* A source that only tells which events there are. */
static int add_formats(struct trc_columns *columns, const struct trc_columns_source *from,
		       struct trc_error *err)
{
	size_t file;
	int rc = find_file(columns, from->walk.data, &file, err);

	return rc ? rc : add_events(columns, &columns->files[file], from->walk.event_ids, err);
}

static int add_source(struct trc_columns *columns, const struct trc_columns_source *from,
		      struct trc_error *err)
{
	const struct trc_data *data = from->walk.data;
	struct source *source = &columns->sources[columns->source_count];
	struct trc_buffer buffer;
	struct trc_stream stream;
	size_t file;
	int rc;

	if ((rc = trc_stream(data, from->walk.stream, &stream, err)) ||
	    (rc = trc_buffer(data->file, stream.buffer, &buffer, err)) ||
	    (rc = find_file(columns, data, &file, err)))
		return rc;
	*source = (struct source){
		.file = file,
		.event_ids = from->walk.event_ids,
		.filter = from->filter,
		.buffer = { buffer.name, buffer.name_size },
		.peer = text_of(from->peer),
	};
	if (from->symbols)
		columns->files[file].kallsyms = &from->symbols->kallsyms;
	columns->cpus[columns->source_count] = stream.cpu;
	columns->walks[columns->source_count++] = from->walk;
	columns->filtered |= from->filter != NULL;
	if (source > columns->sources && source[-1].file == file && source[-1].event_ids == source->event_ids)
		return TRC_OK; /* mostly all sources of a file want the same */
	return add_events(columns, &columns->files[file], from->walk.event_ids, err);
}

/* --- making columns -------------------------------------------------------------------------- */

static char *copy_string(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = malloc(size);

	if (copy)
		memcpy(copy, string, size);
	return copy;
}

static int add_column(struct trc_columns *columns, const struct trc_column *from, struct trc_error *err)
{
	struct column *column = &columns->columns[columns->column_count];

	if (from->kind > TRC_COLUMN_SYMBOL || !from->name || (is_field(from->kind) && !from->field))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "columns: number %zu is not a column",
				columns->column_count);
	*column = (struct column){ .kind = from->kind, .name = copy_string(from->name) };
	columns->column_count++;
	columns->missed |= from->kind == TRC_COLUMN_MISSED_EVENTS;
	if (is_field(from->kind) && !(column->field_name = copy_string(from->field)))
		return trc_fail_no_memory(err);
	if (from->symbols && !(column->symbols = copy_string(from->symbols)))
		return trc_fail_no_memory(err);
	if (from->event && !(column->event = copy_string(from->event)))
		return trc_fail_no_memory(err);
	column->field = text_of(column->field_name);
	return column->name ? TRC_OK : trc_fail_no_memory(err);
}

/* What an event's field becomes in a column: a value of its own type, or the names of its addresses. */
static int access_type(const struct trc_columns *columns, size_t index, const struct plan *plan,
		       struct column_type *type, struct trc_error *err)
{
	const struct column *column = &columns->columns[index];

	*type = plan->access[index].type;
	if (column->kind == TRC_COLUMN_FIELD || symbol_type_of(*type, columns->flags, type))
		return TRC_OK;
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
			"columns: field %s of event %.*s has no addresses, and thus no symbols",
			column->field.start, (int)plan->event->name.size, plan->event->name.start);
}

static int field_type(const struct trc_columns *columns, size_t index, struct column_type *type,
		      struct trc_error *err)
{
	const struct column *column = &columns->columns[index];
	const char *name = column->field.start;
	bool found = false;

	for (size_t f = 0; f < columns->file_count; f++) {
		for (size_t p = 0; p < columns->files[f].plan_count; p++) {
			const struct plan *plan = &columns->files[f].plans[p];

			struct column_type other;
			int rc;

			if (!plan->has[index])
				continue;
			if ((rc = access_type(columns, index, plan, &other, err)))
				return rc;
			if (!found)
				*type = other;
			else if (!column_type_join(type, other))
				return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
						"columns: field %s is of another type in event %.*s; "
						"%.*s.%s is a column of its own",
						name, (int)plan->event->name.size, plan->event->name.start,
						(int)plan->event->name.size, plan->event->name.start, name);
			found = true;
		}
	}
	return found ? TRC_OK :
		       trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "columns: no event has a field %s", name);
}

static int column_type_of(const struct trc_columns *columns, size_t index, struct column_type *type,
			  struct trc_error *err)
{
	const bool plain = columns->flags & TRC_COLUMNS_NO_DICTIONARY;

	*type = (struct column_type){ .shape = SHAPE_INTEGER, .width = 4 };
	switch (columns->columns[index].kind) {
	case TRC_COLUMN_TS:
		type->shape = column_time_shape(columns->flags & TRC_COLUMNS_UINT64_TS,
						columns->flags & TRC_COLUMNS_DURATION_TS,
						columns->flags & TRC_COLUMNS_UTC_TS);
		type->width = 8;
		return TRC_OK;
	case TRC_COLUMN_MISSED_EVENTS:
		type->width = 8;
		type->is_signed = true;
		return TRC_OK;
	case TRC_COLUMN_PID:
		type->is_signed = true;
		return TRC_OK;
	case TRC_COLUMN_CPU:
		return TRC_OK;
	case TRC_COLUMN_FLAGS:
	case TRC_COLUMN_PREEMPT_COUNT:
		type->width = 1;
		return TRC_OK;
	case TRC_COLUMN_FIELD:
	case TRC_COLUMN_SYMBOL:
		return field_type(columns, index, type, err);
	default:
		*type = (struct column_type){
			.shape = SHAPE_TEXT,
			.dictionary = !plain,
			.binary = columns->flags & TRC_COLUMNS_BINARY,
		};
		return TRC_OK;
	}
}

static int prepare_column(struct trc_columns *columns, size_t index, struct trc_error *err)
{
	struct column *column = &columns->columns[index];
	struct column_type type;
	int rc = column_type_of(columns, index, &type, err);

	if (rc)
		return rc;
	column_builder_init(&column->builder, type);
	if (column->kind == TRC_COLUMN_COMM || column->kind == TRC_COLUMN_SYMBOL ||
	    (column->kind == TRC_COLUMN_FIELD && type.dictionary)) {
		column->cache = malloc(sizeof(*column->cache));
		if (!column->cache)
			return trc_fail_no_memory(err);
	}
	if (column->kind == TRC_COLUMN_BUFFER || column->kind == TRC_COLUMN_PEER) {
		column->of_source = calloc(columns->source_count + 1, sizeof(*column->of_source));
		if (!column->of_source)
			return trc_fail_no_memory(err);
	}
	return TRC_OK;
}

/* Where all sources are of one file and asked for one event, nothing of a record need be looked at. */
static const struct plan *only_plan(const struct trc_columns *columns,
				    const struct trc_columns_source *sources, size_t count)
{
	const struct plan *plan;

	if (columns->file_count != 1 || columns->files[0].plan_count != 2)
		return NULL;
	plan = &columns->files[0].plans[1];
	for (size_t i = 0; i < count; i++) {
		if (walk_only_id(sources[i].walk.event_ids) != plan->event->id)
			return NULL;
	}
	return plan;
}

/* Many columns of texts and lists: fewer records at a time, so that what they hold stays small. */
static size_t portion_of(const struct trc_columns *columns)
{
	size_t variable = 1;

	for (size_t i = 0; i < columns->column_count; i++)
		variable += !column_row_size(columns->columns[i].builder.type);
	if (variable <= PORTION_VARIABLE / PORTION)
		return PORTION;
	return variable < PORTION_VARIABLE ? PORTION_VARIABLE / variable : 1;
}

/* About how many rows a first batch should have room for. */
static size_t first_rows(const struct trc_columns *columns)
{
	uint64_t row_size = 1;

	for (size_t i = 0; i < columns->column_count; i++)
		row_size += column_row_size(columns->columns[i].builder.type);
	return (size_t)(FIRST_BYTES / row_size);
}

static int fill_columns(struct trc_columns *columns, const struct trc_columns_source *sources, size_t count,
			const struct trc_columns_options *options, struct trc_error *err)
{
	int rc = TRC_OK;

	for (size_t i = 0; !rc && i < options->column_count; i++)
		rc = add_column(columns, &options->columns[i], err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = sources[i].no_records ? add_formats(columns, &sources[i], err) :
					     add_source(columns, &sources[i], err);
	for (size_t i = 0; !rc && i < columns->column_count; i++)
		rc = prepare_column(columns, i, err);
	columns->only = only_plan(columns, sources, count);
	columns->portion = portion_of(columns);
	return rc;
}

static int create(const struct trc_columns_source *sources, size_t count,
		  const struct trc_columns_options *options, struct trc_columns **out, struct trc_error *err)
{
	struct trc_columns *columns = calloc(1, sizeof(*columns));
	int rc;

	if (!columns)
		return trc_fail_no_memory(err);
	columns->flags = options->flags;
	columns->files = calloc(count + 1, sizeof(*columns->files));
	columns->sources = calloc(count + 1, sizeof(*columns->sources));
	columns->cpus = calloc(count + 1, sizeof(*columns->cpus));
	columns->walks = calloc(count + 1, sizeof(*columns->walks));
	columns->columns = calloc(options->column_count + 1, sizeof(*columns->columns));
	if (!columns->files || !columns->sources || !columns->cpus || !columns->walks || !columns->columns)
		rc = trc_fail_no_memory(err);
	else
		rc = fill_columns(columns, sources, count, options, err);
	if (rc) {
		trc_columns_destroy(columns);
		return rc;
	}
	*out = columns;
	return TRC_OK;
}

int trc_columns_create(const struct trc_columns_source *sources, size_t count,
		       const struct trc_columns_options *options, struct trc_columns **out,
		       struct trc_error *err)
{
	struct trc_columns *columns;
	int rc = create(sources, count, options, &columns, err);

	if (rc)
		return rc;
	rc = trc_columns_restart(columns, &options->walk, err);
	if (rc) {
		trc_columns_destroy(columns);
		return rc;
	}
	*out = columns;
	return TRC_OK;
}

int columns_create_of_set(const struct trc_columns_source *sources, size_t count,
			  const struct trc_columns_options *options, struct trc_columns **out,
			  struct trc_error *err)
{
	return create(sources, count, options, out, err);
}

int trc_columns_restart(struct trc_columns *columns, const struct trc_walk_options *options,
			struct trc_error *err)
{
	struct trc_walk *walk;
	int rc = trc_walk_create(columns->walks, columns->source_count, options, &walk, err);

	if (rc)
		return rc;
	trc_walk_destroy(columns->walk);
	columns->walk = walk;
	columns->rows_before = 0;
	columns->making = false;
	for (size_t i = 0; i < columns->source_count; i++) {
		columns->sources[i].missed = 0;
		columns->sources[i].first_row = UINT64_MAX;
	}
	columns->expected_rows = first_rows(columns);
	return TRC_OK;
}

static void destroy_file(struct file_plans *file)
{
	for (size_t i = 0; file->plans && i < file->formats->count + 2; i++) {
		free(file->plans[i].has);
		free(file->plans[i].access);
	}
	free(file->plans);
	free(file->by_id);
}

void trc_columns_destroy(struct trc_columns *columns)
{
	if (!columns)
		return;
	trc_walk_destroy(columns->walk);
	for (size_t i = 0; i < columns->file_count; i++)
		destroy_file(&columns->files[i]);
	for (size_t i = 0; i < columns->column_count; i++) {
		struct column *column = &columns->columns[i];

		column_builder_deinit(&column->builder);
		column_builder_deinit(&column->addresses);
		free(column->name);
		free(column->field_name);
		free(column->symbols);
		free(column->event);
		free(column->cache);
		free(column->of_source);
	}
	slab_pool_deinit(&columns->memory);
	free(columns->files);
	free(columns->sources);
	free(columns->cpus);
	free(columns->walks);
	free(columns->columns);
	free(columns);
}

/* --- schema ---------------------------------------------------------------------------------- */

/* The first event's field that a column is of; NULL: none. */
static const struct event_field *first_field(const struct trc_columns *columns, size_t index)
{
	for (size_t f = 0; f < columns->file_count; f++) {
		for (size_t p = 0; p < columns->files[f].plan_count; p++) {
			const struct plan *plan = &columns->files[f].plans[p];

			if (plan->has[index])
				return event_field_by_name(plan->event, columns->columns[index].field);
		}
	}
	return NULL;
}

static int column_schema(const struct trc_columns *columns, size_t index, struct ArrowSchema *out,
			 struct trc_error *err)
{
	const struct column *column = &columns->columns[index];
	const struct event_field *field = first_field(columns, index);
	struct arrow_metadata metadata = { 0 };
	bool nullable = is_field(column->kind) || column->kind == TRC_COLUMN_FLAGS ||
			column->kind == TRC_COLUMN_PREEMPT_COUNT || column->kind == TRC_COLUMN_EVENT ||
			column->kind == TRC_COLUMN_SYSTEM;

	if (field && column->kind == TRC_COLUMN_FIELD) {
		arrow_metadata_add(&metadata, "c_type", field->type);
		arrow_metadata_add_number(&metadata, "offset", field->offset);
		arrow_metadata_add_number(&metadata, "size", field->size);
		arrow_metadata_add_number(&metadata, "signed", !!(field->flags & TRC_FIELD_SIGNED));
		if (column->symbols)
			arrow_metadata_add(&metadata, "symbols", text_of(column->symbols));
	} else if (field) {
		arrow_metadata_add(&metadata, "symbol_of", field->name);
	}
	return arrow_schema(column->builder.type, column->name, nullable, &metadata, out, err);
}

/* Where all is of one event, the schema tells which. */
static void describe_event(const struct trc_columns *columns, struct arrow_metadata *metadata)
{
	const struct event_format *event;

	if (columns->file_count != 1 || columns->files[0].plan_count != 2)
		return;
	event = columns->files[0].plans[1].event;
	arrow_metadata_add(metadata, "system", event->system);
	arrow_metadata_add(metadata, "event", event->name);
	arrow_metadata_add_number(metadata, "id", event->id);
	arrow_metadata_add(metadata, "print_fmt", event->print_fmt);
}

int trc_columns_schema(const struct trc_columns *columns, struct ArrowSchema *out, struct trc_error *err)
{
	struct ArrowSchema *children = calloc(columns->column_count + 1, sizeof(*children));
	struct arrow_metadata metadata = { 0 };
	int rc = children ? TRC_OK : trc_fail_no_memory(err);
	size_t made = 0;

	while (!rc && made < columns->column_count) {
		rc = column_schema(columns, made, &children[made], err);
		made += !rc;
	}
	if (!rc) {
		describe_event(columns, &metadata);
		rc = arrow_struct_schema(children, made, &metadata, out, err);
	} else {
		for (size_t i = 0; i < made; i++)
			children[i].release(&children[i]);
	}
	free(children);
	return rc;
}
