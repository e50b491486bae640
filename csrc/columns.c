/* SPDX-License-Identifier: MIT */
/*
 * Records of some events into columns. The walk gives records in small portions, as addresses into
 * their pages; each column then takes its values from all of a portion, while that is in the cache.
 */
#include <stdlib.h>
#include <string.h>

#include "arrow.h"
#include "column_set.h"
#include "data.h"
#include "error.h"
#include "file.h"
#include "filter.h"
#include "walk.h"

#define PORTION FILTER_ROWS
#define PORTION_VARIABLE 2048	/* values of varying size in a portion, over all columns */
#define BITMASK_MAX 8192	/* bytes of a bitmask: eight times what the largest kernel has */
#define CACHE_SLOTS 512

/* An event of a file: where the columns' fields are. */
struct plan {
	const struct event_format *event;	/* NULL: the file has no format of that id */
	bool *has;				/* [column_count]: does the event have the field? */
	struct field_access *access;		/* [column_count] */
};

struct file_plans {
	const struct trc_data *data;
	const struct event_formats *formats;
	unsigned long_size;
	bool big_endian;
	struct plan *plans;		/* [plan_count]; the first is for ids without a format */
	size_t plan_count;
	uint32_t *by_id;		/* [formats->id_count]: which plan */
	struct field_access flags, preempt_count;
};

struct source {
	size_t file;			/* in files */
	const uint8_t *event_ids;
	const struct trc_filter *filter;
	uint32_t cpu;
	struct text buffer, peer;
	/* With a column of missed_events: */
	int64_t missed;			/* before rows that did not pass, since the last that did */
	uint64_t first_row;		/* over all batches; UINT64_MAX: none so far */
};

/* What was looked up in a dictionary lately. */
struct cache_slot {
	uint64_t a, b;
	uint32_t number;		/* index + 1; 0: free */
};

struct column {
	uint32_t kind;			/* enum trc_column_kind */
	char *name, *field_name;	/* field_name: NULL unless the kind is FIELD */
	char *symbols;			/* or NULL */
	struct text field;
	struct column_builder builder;
	struct cache_slot *cache;	/* [CACHE_SLOTS] of texts of 16 bytes and of pids, or NULL */
	uint32_t *of_source;		/* [source_count] index + 1, or NULL */
};

struct trc_columns {
	struct trc_walk *walk;		/* NULL: of a set, which has the walk */
	struct file_plans *files;
	size_t file_count;
	struct source *sources;
	size_t source_count;
	struct column *columns;
	size_t column_count;
	uint32_t flags;			/* enum trc_columns_flags */
	bool filtered;			/* some source has a filter */
	bool missed;			/* a column wants missed_events */
	uint64_t rows_before;		/* this portion, over all batches; where missed */
	size_t portion;
	size_t last_rows;		/* of the batch before: the next one will have as many */

	/* The portion at hand. */
	size_t count;
	const uint8_t *payload[PORTION];
	uint64_t ts[PORTION];
	uint32_t source[PORTION], id[PORTION], size[PORTION], cpu[PORTION];
	int32_t pid[PORTION];
	int64_t missed_events[PORTION];
};

/* Some of the portion, all of one event of one file. */
struct stretch {
	size_t from, count;
	uint32_t min_size;		/* the shortest payload's */
	const struct file_plans *file;
	const struct plan *plan;
};

/* --- fields into columns --------------------------------------------------------------------- */

TRC_INLINE void store_uint(uint8_t *to, unsigned width, uint64_t value)
{
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;

	if (width == 1)
		memcpy(to, &byte, 1);
	else if (width == 2)
		memcpy(to, &half, 2);
	else if (width == 4)
		memcpy(to, &word, 4);
	else
		memcpy(to, &value, 8);
}

static uint64_t load_integer(const uint8_t *p, unsigned width, bool is_signed, bool big_endian)
{
	uint64_t value = load_uint(p, width, big_endian);
	unsigned unused = 64 - 8 * width;

	return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

/* With constants for width and byte order this is one load and one store a record. */
TRC_INLINE void gather_as(uint8_t *to, const uint8_t *const *payload, size_t count, uint32_t offset,
			  unsigned width, bool big_endian)
{
	for (size_t i = 0; i < count; i++)
		store_uint(to + width * i, width, load_uint(payload[i] + offset, width, big_endian));
}

/* All records are long enough, and the column is as wide as the field. */
static void gather(uint8_t *to, const uint8_t *const *payload, size_t count, uint32_t offset,
		   unsigned width, bool big_endian)
{
	switch (width) {
	case 1:
		gather_as(to, payload, count, offset, 1, false);
		break;
	case 2:
		big_endian ? gather_as(to, payload, count, offset, 2, true) :
			     gather_as(to, payload, count, offset, 2, false);
		break;
	case 4:
		big_endian ? gather_as(to, payload, count, offset, 4, true) :
			     gather_as(to, payload, count, offset, 4, false);
		break;
	default:
		big_endian ? gather_as(to, payload, count, offset, 8, true) :
			     gather_as(to, payload, count, offset, 8, false);
	}
}

static bool put_integers(const struct trc_columns *columns, struct column_builder *builder,
			 const struct stretch *stretch, const struct field_access *access)
{
	unsigned width = builder->type.width;
	uint32_t offset = access->offset, end = offset + access->width;
	const uint8_t *const *payload = columns->payload + stretch->from;
	const uint32_t *size = columns->size + stretch->from;
	bool big_endian = stretch->file->big_endian;
	uint8_t *to;

	if (!arrow_buffer_reserve(&builder->values, width * stretch->count))
		return false;
	to = builder->values.data + builder->values.size;
	builder->values.size += width * stretch->count;
	if (TRC_LIKELY(stretch->min_size >= end && width == access->width)) {
		gather(to, payload, stretch->count, offset, width, big_endian);
		return true;
	}
	for (size_t i = 0; i < stretch->count; i++) {
		bool fits = size[i] >= end;
		uint64_t value = fits ? load_integer(payload[i] + offset, access->width,
						     access->is_signed, big_endian) : 0;

		store_uint(to + width * i, width, value);
		if (!fits && !column_builder_null(builder, builder->rows + i))
			return false;
	}
	return true;
}

static bool put_bools(const struct trc_columns *columns, struct column_builder *builder,
		      const struct stretch *stretch, const struct field_access *access)
{
	if (!arrow_buffer_reserve(&builder->values, stretch->count))
		return false;
	for (size_t i = 0; i < stretch->count; i++) {
		bool fits = columns->size[stretch->from + i] > access->offset;

		builder->values.data[builder->values.size++] =
			fits && columns->payload[stretch->from + i][access->offset];
		if (!fits && !column_builder_null(builder, builder->rows + i))
			return false;
	}
	return true;
}

/* The bytes of a value; false: they do not all lie within the record. */
static bool find_bytes(const uint8_t *payload, uint32_t payload_size,
		       const struct field_access *access, bool big_endian, const uint8_t **bytes,
		       uint32_t *size)
{
	uint64_t word, at = access->offset;
	uint32_t length = access->size;

	if (length > payload_size || at > payload_size - length)
		return false;
	if (access->extent == EXTENT_REST) {
		length = payload_size - (uint32_t)at;
	} else if (access->extent != EXTENT_FIXED) {
		word = load_uint(payload + at, access->size, big_endian);
		at = (word & 0xffff) + (access->extent == EXTENT_RELATIVE ? at + access->size : 0);
		length = word >> 16 & 0xffff;
		if (length > payload_size || at > payload_size - length)
			return false;
	}
	*bytes = payload + at;
	*size = length;
	return true;
}

static uint32_t length_to_nul(const uint8_t *text, uint32_t size)
{
	const uint8_t *nul = size ? memchr(text, 0, size) : NULL;

	return nul ? (uint32_t)(nul - text) : size;
}

static bool put_bytes(const struct trc_columns *columns, struct column_builder *builder,
		      const struct stretch *stretch, const struct field_access *access)
{
	bool text = builder->type.shape == SHAPE_TEXT;

	for (size_t i = 0; i < stretch->count; i++) {
		const uint8_t *bytes = NULL;
		uint32_t size = 0;

		if (!find_bytes(columns->payload[stretch->from + i], columns->size[stretch->from + i],
				access, stretch->file->big_endian, &bytes, &size)) {
			if (!column_builder_null(builder, builder->rows + i))
				return false;
		} else if (text) {
			size = length_to_nul(bytes, size);
		}
		if (!column_builder_bytes(builder, bytes, size))
			return false;
	}
	return true;
}

/* A few names stand in most records: those are found by their bytes, whatever is behind the NUL. */
static uint32_t index_of_16(struct column *column, const uint8_t *text)
{
	struct cache_slot key = { 0 }, *slot;

	memcpy(&key.a, text, 8);
	memcpy(&key.b, text + 8, 8);
	slot = &column->cache[((key.a ^ (key.b << 7 | key.b >> 57)) * UINT64_C(0x9e3779b97f4a7c15)) >>
			      55];
	if (TRC_UNLIKELY(slot->a != key.a || slot->b != key.b || !slot->number)) {
		uint32_t index = column_builder_index(&column->builder, text, length_to_nul(text, 16));

		key.number = index + 1;	/* 0 if memory is short */
		*slot = key;
	}
	return slot->number - 1;
}

static bool put_indices(const struct trc_columns *columns, struct column *column,
			const struct stretch *stretch, const struct field_access *access)
{
	struct column_builder *builder = &column->builder;
	const uint8_t *bytes = NULL;
	uint32_t size, *to;

	if (!arrow_buffer_reserve(&builder->values, sizeof(*to) * stretch->count))
		return false;
	to = (uint32_t *)(void *)(builder->values.data + builder->values.size);
	builder->values.size += sizeof(*to) * stretch->count;
	if (TRC_LIKELY(access->extent == EXTENT_FIXED && access->size == 16 &&
		       stretch->min_size >= access->offset + 16)) {
		for (size_t i = 0; i < stretch->count; i++) {
			to[i] = index_of_16(column, columns->payload[stretch->from + i] + access->offset);
			if (TRC_UNLIKELY(to[i] == UINT32_MAX))
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < stretch->count; i++) {
		to[i] = 0;
		if (!find_bytes(columns->payload[stretch->from + i], columns->size[stretch->from + i],
				access, stretch->file->big_endian, &bytes, &size)) {
			if (!column_builder_null(builder, builder->rows + i))
				return false;
			continue;
		}
		to[i] = size == 16 ? index_of_16(column, bytes) :
				     column_builder_index(builder, bytes, length_to_nul(bytes, size));
		if (to[i] == UINT32_MAX)
			return false;
	}
	return true;
}

/* Elements recorded in width bytes, as_width each in the column; there is room. */
static void put_elements(struct arrow_buffer *values, const uint8_t *bytes, uint32_t count,
			 unsigned width, unsigned as_width, bool big_endian)
{
	uint8_t *to = values->data + values->size;

	for (uint32_t i = 0; i < count; i++)
		store_uint(to + (size_t)as_width * i, as_width,
			   load_uint(bytes + (size_t)width * i, width, big_endian));
	values->size += (size_t)as_width * count;
}

/* Binary or list of a fixed length. */
static bool put_fixed(const struct trc_columns *columns, struct column_builder *builder,
		      const struct stretch *stretch, const struct field_access *access)
{
	size_t length = column_row_size(builder->type);
	unsigned width = builder->type.shape == SHAPE_FIXED_LIST ? builder->type.width : 1;

	if (!arrow_buffer_reserve(&builder->values, length * stretch->count))
		return false;
	for (size_t i = 0; i < stretch->count; i++) {
		const uint8_t *bytes;
		uint32_t size;

		if (find_bytes(columns->payload[stretch->from + i], columns->size[stretch->from + i],
			       access, stretch->file->big_endian, &bytes, &size)) {
			put_elements(&builder->values, bytes, size / width, width, width,
				     stretch->file->big_endian);
			continue;
		}
		memset(builder->values.data + builder->values.size, 0, length);
		builder->values.size += length;
		if (!column_builder_null(builder, builder->rows + i))
			return false;
	}
	return true;
}

/* A stack that is shorter than its array ends with -1. */
static uint32_t stack_length(const uint8_t *bytes, uint32_t count, unsigned width, bool big_endian)
{
	uint64_t end = width == 8 ? UINT64_MAX : UINT32_MAX;

	for (uint32_t i = 0; i < count; i++) {
		if (load_uint(bytes + (size_t)width * i, width, big_endian) == end)
			return i;
	}
	return count;
}

static bool put_bits(struct arrow_buffer *values, const uint8_t *bytes, uint32_t size,
		     unsigned long_size, bool big_endian)
{
	for (uint32_t at = 0; at < size; at++) {
		/* Bits are numbered within words, of which big-endian ones begin with the last bits. */
		uint32_t word = at / long_size * long_size, in_word = at % long_size;
		uint32_t byte = word + (big_endian ? long_size - 1 - in_word : in_word);
		uint8_t bits = byte < size ? bytes[byte] : 0;

		if (!bits)
			continue;
		if (!arrow_buffer_reserve(values, 8 * sizeof(uint32_t)))
			return false;
		for (uint32_t bit = 0; bit < 8; bit++) {
			if (bits >> bit & 1) {
				store_uint(values->data + values->size, 4, 8 * at + bit);
				values->size += sizeof(uint32_t);
			}
		}
	}
	return true;
}

static bool put_lists(const struct trc_columns *columns, struct column_builder *builder,
		      const struct stretch *stretch, const struct field_access *access)
{
	bool bits = builder->type.shape == SHAPE_BITS, big_endian = stretch->file->big_endian;
	unsigned width = access->width, as_width = builder->type.width;

	for (size_t i = 0; i < stretch->count; i++) {
		const uint8_t *bytes;
		uint32_t size;

		if (!find_bytes(columns->payload[stretch->from + i], columns->size[stretch->from + i],
				access, big_endian, &bytes, &size) || (bits && size > BITMASK_MAX)) {
			if (!column_builder_null(builder, builder->rows + i))
				return false;
		} else if (bits) {
			if (!put_bits(&builder->values, bytes, size, width, big_endian))
				return false;
		} else {
			uint32_t count = size / width;

			if (access->extent == EXTENT_REST)
				count = stack_length(bytes, count, width, big_endian);
			if (!arrow_buffer_reserve(&builder->values, (size_t)as_width * count))
				return false;
			put_elements(&builder->values, bytes, count, width, as_width, big_endian);
		}
		if (!column_builder_end_row(builder))
			return false;
	}
	return true;
}

static bool put_nulls(struct column_builder *builder, size_t count)
{
	size_t size = column_row_size(builder->type);

	if (!arrow_buffer_reserve(&builder->values, size * count))
		return false;
	memset(builder->values.data + builder->values.size, 0, size * count);
	builder->values.size += size * count;
	for (size_t i = 0; i < count; i++) {
		if (!column_builder_null(builder, builder->rows + i) ||
		    (!size && !column_builder_end_row(builder)))
			return false;
	}
	return true;
}

static bool put_field(const struct trc_columns *columns, struct column *column,
		      const struct stretch *stretch, const struct field_access *access)
{
	struct column_builder *builder = &column->builder;

	switch (builder->type.shape) {
	case SHAPE_INTEGER:
		return put_integers(columns, builder, stretch, access);
	case SHAPE_BOOL:
		return put_bools(columns, builder, stretch, access);
	case SHAPE_FIXED_BINARY:
	case SHAPE_FIXED_LIST:
		return put_fixed(columns, builder, stretch, access);
	case SHAPE_LIST:
	case SHAPE_BITS:
		return put_lists(columns, builder, stretch, access);
	default:
		return builder->type.dictionary ? put_indices(columns, column, stretch, access) :
						  put_bytes(columns, builder, stretch, access);
	}
}

/* --- common columns -------------------------------------------------------------------------- */

static bool put_values(struct column_builder *builder, const void *values, size_t width, size_t count)
{
	if (!arrow_buffer_reserve(&builder->values, width * count))
		return false;
	memcpy(builder->values.data + builder->values.size, values, width * count);
	builder->values.size += width * count;
	return true;
}

static bool put_text(struct column_builder *builder, struct text text, size_t count)
{
	uint32_t index = 0;

	if (builder->type.dictionary)
		index = column_builder_index(builder, (const uint8_t *)text.start, text.size);
	for (size_t i = 0; i < count; i++) {
		if (builder->type.dictionary ?
			    index == UINT32_MAX || !put_values(builder, &index, sizeof(index), 1) :
			    !column_builder_bytes(builder, (const uint8_t *)text.start, text.size))
			return false;
	}
	return true;
}

static bool put_comms(const struct trc_columns *columns, struct column *column,
		      const struct stretch *stretch)
{
	const struct saved_cmdlines *saved = &stretch->file->data->metadata->cmdlines;
	struct column_builder *builder = &column->builder;

	for (size_t i = 0; i < stretch->count; i++) {
		int32_t pid = columns->pid[stretch->from + i];
		struct cache_slot *slot = &column->cache[(uint32_t)pid % CACHE_SLOTS];
		struct text comm;

		if (slot->number && slot->a == (uint32_t)pid && slot->b == (uintptr_t)saved) {
			uint32_t index = slot->number - 1;

			if (!put_values(builder, &index, sizeof(index), 1))
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
			*slot = (struct cache_slot){ (uint32_t)pid, (uintptr_t)saved, index + 1 };
		}
	}
	return true;
}

static bool put_source_texts(const struct trc_columns *columns, struct column *column,
			     const struct stretch *stretch)
{
	for (size_t i = 0; i < stretch->count; i++) {
		uint32_t source = columns->source[stretch->from + i];
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
						      text.size) + 1;
		if (!*known || !put_values(&column->builder, &(uint32_t){ *known - 1 }, 4, 1))
			return false;
	}
	return true;
}

static bool put_column(const struct trc_columns *columns, size_t index, struct column *column,
		       const struct stretch *stretch)
{
	const struct plan *plan = stretch->plan;
	struct column_builder *builder = &column->builder;
	size_t from = stretch->from, count = stretch->count;

	switch (column->kind) {
	case TRC_COLUMN_TS:
		return put_values(builder, columns->ts + from, sizeof(columns->ts[0]), count);
	case TRC_COLUMN_CPU:
		return put_values(builder, columns->cpu + from, sizeof(columns->cpu[0]), count);
	case TRC_COLUMN_PID:
		return put_values(builder, columns->pid + from, sizeof(columns->pid[0]), count);
	case TRC_COLUMN_MISSED_EVENTS:
		return put_values(builder, columns->missed_events + from,
				  sizeof(columns->missed_events[0]), count);
	case TRC_COLUMN_COMM:
		return put_comms(columns, column, stretch);
	case TRC_COLUMN_FLAGS:
		return put_integers(columns, builder, stretch, &stretch->file->flags);
	case TRC_COLUMN_PREEMPT_COUNT:
		return put_integers(columns, builder, stretch, &stretch->file->preempt_count);
	case TRC_COLUMN_EVENT:
		return plan->event ? put_text(builder, plan->event->name, count) : put_nulls(builder, count);
	case TRC_COLUMN_SYSTEM:
		return plan->event ? put_text(builder, plan->event->system, count) :
				     put_nulls(builder, count);
	case TRC_COLUMN_BUFFER:
	case TRC_COLUMN_PEER:
		return put_source_texts(columns, column, stretch);
	default:
		return plan->has[index] ? put_field(columns, column, stretch, &plan->access[index]) :
					  put_nulls(builder, count);
	}
}

/* --- batches --------------------------------------------------------------------------------- */

/* The longest stretch from a record on that has one event of one file. */
static struct stretch next_stretch(const struct trc_columns *columns, size_t from)
{
	const struct file_plans *file = &columns->files[columns->sources[columns->source[from]].file];
	uint32_t id = columns->id[from];
	struct stretch stretch = { from, 1, columns->size[from], file, NULL };

	stretch.plan = &file->plans[id < file->formats->id_count ? file->by_id[id] : 0];
	for (size_t i = from + 1; i < columns->count && columns->id[i] == id; i++) {
		if (columns->file_count > 1 &&
		    &columns->files[columns->sources[columns->source[i]].file] != file)
			break;
		if (columns->size[i] < stretch.min_size)
			stretch.min_size = columns->size[i];
		stretch.count++;
	}
	return stretch;
}

static void move_row(struct trc_columns *columns, size_t to, size_t from)
{
	columns->payload[to] = columns->payload[from];
	columns->ts[to] = columns->ts[from];
	columns->source[to] = columns->source[from];
	columns->id[to] = columns->id[from];
	columns->size[to] = columns->size[from];
	columns->cpu[to] = columns->cpu[from];
	columns->pid[to] = columns->pid[from];
	columns->missed_events[to] = columns->missed_events[from];
}

/* A loss before a record that does not pass is one before the next that does. */
static void carry_missed(struct trc_columns *columns, size_t row, bool pass)
{
	int64_t *carried = &columns->sources[columns->source[row]].missed;
	int64_t missed = add_missed(*carried, columns->missed_events[row]);

	*carried = pass ? 0 : missed;
	columns->missed_events[row] = missed;
}

static void note_first_rows(struct trc_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		struct source *source = &columns->sources[columns->source[i]];

		if (source->first_row == UINT64_MAX)
			source->first_row = columns->rows_before + i;
	}
	columns->rows_before += columns->count;
}

/* Leaves the records of the portion that their filter passes. */
static bool apply_filters(struct trc_columns *columns)
{
	size_t kept = 0, count = columns->count;
	uint8_t pass[PORTION];

	for (size_t from = 0; from < count;) {
		struct stretch stretch = next_stretch(columns, from);
		const struct trc_filter *filter = columns->sources[columns->source[from]].filter;
		const struct filter_rows rows = { stretch.count, columns->payload + from,
						  columns->size + from, columns->cpu + from };

		memset(pass, 1, stretch.count);
		if (filter && !filter_run(filter, columns->id[from], &rows, pass))
			return false;
		for (size_t i = 0; columns->missed && i < stretch.count; i++)
			carry_missed(columns, from + i, pass[i]);
		for (size_t i = 0; i < stretch.count; i++) {
			if (pass[i] && kept++ != from + i)
				move_row(columns, kept - 1, from + i);
		}
		from += stretch.count;
	}
	columns->count = kept;
	return true;
}

/* The next records, of which some pass; count 0: there are no more. */
static int read_portion(struct trc_columns *columns, size_t room, struct trc_error *err)
{
	do {
		struct trc_batch batch = {
			.room = room,
			.ts = columns->ts,
			.source = columns->source,
			.id = columns->id,
			.pid = columns->pid,
			.size = columns->size,
			.address = columns->payload,
			.missed_events = columns->missed ? columns->missed_events : NULL,
		};
		int rc = walk_next(columns->walk, &batch, err);

		if (rc)
			return rc;
		columns->count = batch.count;
		if (!batch.count)
			return TRC_OK;
		for (size_t i = 0; i < batch.count; i++)
			columns->cpu[i] = columns->sources[columns->source[i]].cpu;
		if (columns->filtered && !apply_filters(columns))
			return trc_fail_no_memory(err);
	} while (!columns->count);
	return TRC_OK;
}

static bool put_portion(struct trc_columns *columns)
{
	for (size_t from = 0; from < columns->count;) {
		struct stretch stretch = next_stretch(columns, from);

		for (size_t i = 0; i < columns->column_count; i++) {
			struct column *column = &columns->columns[i];

			if (!put_column(columns, i, column, &stretch))
				return false;
			column->builder.rows += stretch.count;
		}
		from += stretch.count;
	}
	return true;
}

static uint64_t batch_size(const struct trc_columns *columns)
{
	uint64_t size = 0;

	for (size_t i = 0; i < columns->column_count; i++)
		size += column_builder_size(&columns->columns[i].builder);
	return size;
}

static bool begin(struct trc_columns *columns)
{
	for (size_t i = 0; i < columns->column_count; i++) {
		struct column *column = &columns->columns[i];

		if (!column_builder_begin(&column->builder, columns->last_rows))
			return false;
		if (column->cache)
			memset(column->cache, 0, CACHE_SLOTS * sizeof(*column->cache));
		if (column->of_source)
			memset(column->of_source, 0, columns->source_count * sizeof(*column->of_source));
	}
	return true;
}

/* Hands over what is built: builders into an array of their own, and back empty. */
static int hand_over(struct trc_columns *columns, size_t rows, struct ArrowArray *out,
		     struct trc_error *err)
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

int trc_columns_next(struct trc_columns *columns, size_t max_rows, struct ArrowArray *out,
		     struct trc_error *err)
{
	int rc = walk_check_files(columns->walk, err);
	size_t rows = 0;

	if (rc)
		return rc;
	if (!max_rows)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "columns: a batch of no rows");
	if (!begin(columns))
		return trc_fail_no_memory(err);
	while (rows < max_rows && batch_size(columns) < BATCH_BYTES) {
		size_t room = max_rows - rows;

		rc = read_portion(columns, room < columns->portion ? room : columns->portion, err);
		if (rc)
			return rc;
		if (!columns->count)
			break;
		if (columns->missed)
			note_first_rows(columns);
		if (!put_portion(columns))
			return trc_fail_no_memory(err);
		rows += columns->count;
	}
	columns->last_rows = rows;
	return hand_over(columns, rows, out, err);
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

/* --- of a set -------------------------------------------------------------------------------- */

bool columns_begin(struct trc_columns *columns)
{
	return begin(columns);
}

static void take_rows(struct trc_columns *columns, const struct trc_batch *from,
		      const uint32_t *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t row = rows[i];

		columns->payload[i] = from->address[row];
		columns->ts[i] = from->ts[row];
		columns->source[i] = from->source[row];
		columns->id[i] = from->id[row];
		columns->size[i] = from->size[row];
		columns->pid[i] = from->pid[row];
		columns->cpu[i] = columns->sources[from->source[row]].cpu;
	}
	columns->count = count;
}

int columns_put_rows(struct trc_columns *columns, const struct trc_batch *from,
		     const uint32_t *rows, size_t count, size_t *put, struct trc_error *err)
{
	for (size_t done = *put = 0; done < count;) {
		size_t left = count - done, n = left < columns->portion ? left : columns->portion;

		take_rows(columns, from, rows + done, n);
		if ((columns->filtered && !apply_filters(columns)) || !put_portion(columns))
			return trc_fail_no_memory(err);
		*put += columns->count;
		done += n;
	}
	return TRC_OK;
}

uint64_t columns_size(const struct trc_columns *columns)
{
	return batch_size(columns);
}

int columns_hand_over(struct trc_columns *columns, size_t rows, struct ArrowArray *out,
		      struct trc_error *err)
{
	columns->last_rows = rows;
	return hand_over(columns, rows, out, err);
}

/* --- plans ----------------------------------------------------------------------------------- */

static bool id_wanted(const uint8_t *event_ids, uint32_t id)
{
	return !event_ids || event_ids[id >> 3] >> (id & 7) & 1;
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

		if (column->kind != TRC_COLUMN_FIELD)
			continue;
		field = event_field_by_name(event, column->field);
		if (!field)
			continue;
		plan->has[i] = true;
		plan->access[i] = field_access_of(event, field, file->long_size, columns->flags);
	}
	return true;
}

/* A common field of at most a byte, as all kernels have them. */
static struct field_access common_access(struct event_place place)
{
	struct field_access access = { .offset = place.offset, .width = (uint8_t)place.size,
				       .size = place.size };

	if (!place.size)
		access.offset = UINT32_MAX / 2;	/* no record is that long: all null */
	return access;
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
		.flags = common_access(data->common.flags),
		.preempt_count = common_access(data->common.preempt_count),
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
static int add_events(struct trc_columns *columns, struct file_plans *file,
		      const uint8_t *event_ids, struct trc_error *err)
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
		.cpu = stream.cpu,
		.buffer = { buffer.name, buffer.name_size },
		.peer = text_of(from->peer),
		.first_row = UINT64_MAX,
	};
	columns->source_count++;
	columns->filtered |= from->filter != NULL;
	if (source > columns->sources && source[-1].file == file &&
	    source[-1].event_ids == source->event_ids)
		return TRC_OK;	/* mostly all sources of a file want the same */
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

static int add_column(struct trc_columns *columns, const struct trc_column *from,
		      struct trc_error *err)
{
	struct column *column = &columns->columns[columns->column_count];

	if (from->kind > TRC_COLUMN_MISSED_EVENTS || !from->name ||
	    (from->kind == TRC_COLUMN_FIELD && !from->field))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "columns: number %zu is none",
				columns->column_count);
	*column = (struct column){ .kind = from->kind, .name = copy_string(from->name) };
	columns->column_count++;
	columns->missed |= from->kind == TRC_COLUMN_MISSED_EVENTS;
	if (from->kind == TRC_COLUMN_FIELD && !(column->field_name = copy_string(from->field)))
		return trc_fail_no_memory(err);
	if (from->symbols && !(column->symbols = copy_string(from->symbols)))
		return trc_fail_no_memory(err);
	column->field = text_of(column->field_name);
	return column->name ? TRC_OK : trc_fail_no_memory(err);
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

			if (!plan->has[index])
				continue;
			if (!found)
				*type = plan->access[index].type;
			else if (!column_type_join(type, plan->access[index].type))
				return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
						"columns: field %s is of another type in event %.*s",
						name, (int)plan->event->name.size,
						plan->event->name.start);
			found = true;
		}
	}
	return found ? TRC_OK : trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET,
					 "columns: no event has a field %s", name);
}

static int column_type_of(const struct trc_columns *columns, size_t index,
			  struct column_type *type, struct trc_error *err)
{
	const bool plain = columns->flags & TRC_COLUMNS_NO_DICTIONARY;

	*type = (struct column_type){ .shape = SHAPE_INTEGER, .width = 4 };
	switch (columns->columns[index].kind) {
	case TRC_COLUMN_TS:
		type->shape = columns->flags & TRC_COLUMNS_UINT64_TS ? SHAPE_INTEGER : SHAPE_TIMESTAMP;
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
	if (column->kind == TRC_COLUMN_COMM || (column->kind == TRC_COLUMN_FIELD && type.dictionary)) {
		column->cache = calloc(CACHE_SLOTS, sizeof(*column->cache));
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

static int fill_columns(struct trc_columns *columns, const struct trc_columns_source *sources,
			size_t count, const struct trc_columns_options *options,
			bool walks_itself, struct trc_error *err)
{
	struct trc_walk_source *walks = calloc(count + 1, sizeof(*walks));
	int rc = walks ? TRC_OK : trc_fail_no_memory(err);
	size_t walked = 0;

	for (size_t i = 0; !rc && i < options->column_count; i++)
		rc = add_column(columns, &options->columns[i], err);
	for (size_t i = 0; !rc && i < count; i++) {
		if (!sources[i].no_records)
			walks[walked++] = sources[i].walk;
		rc = sources[i].no_records ? add_formats(columns, &sources[i], err) :
					     add_source(columns, &sources[i], err);
	}
	for (size_t i = 0; !rc && i < columns->column_count; i++)
		rc = prepare_column(columns, i, err);
	columns->portion = portion_of(columns);
	if (!rc && walks_itself)
		rc = trc_walk_create(walks, walked, &options->walk, &columns->walk, err);
	free(walks);
	return rc;
}

static int create(const struct trc_columns_source *sources, size_t count,
		  const struct trc_columns_options *options, bool walks_itself,
		  struct trc_columns **out, struct trc_error *err)
{
	struct trc_columns *columns = calloc(1, sizeof(*columns));
	int rc;

	if (!columns)
		return trc_fail_no_memory(err);
	columns->flags = options->flags;
	columns->files = calloc(count + 1, sizeof(*columns->files));
	columns->sources = calloc(count + 1, sizeof(*columns->sources));
	columns->columns = calloc(options->column_count + 1, sizeof(*columns->columns));
	if (!columns->files || !columns->sources || !columns->columns)
		rc = trc_fail_no_memory(err);
	else
		rc = fill_columns(columns, sources, count, options, walks_itself, err);
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
	return create(sources, count, options, true, out, err);
}

int columns_create_of_set(const struct trc_columns_source *sources, size_t count,
			  const struct trc_columns_options *options, struct trc_columns **out,
			  struct trc_error *err)
{
	return create(sources, count, options, false, out, err);
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
		free(column->name);
		free(column->field_name);
		free(column->symbols);
		free(column->cache);
		free(column->of_source);
	}
	free(columns->files);
	free(columns->sources);
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
	bool nullable = column->kind == TRC_COLUMN_FIELD || column->kind == TRC_COLUMN_FLAGS ||
			column->kind == TRC_COLUMN_PREEMPT_COUNT || column->kind == TRC_COLUMN_EVENT ||
			column->kind == TRC_COLUMN_SYSTEM;

	if (field) {
		arrow_metadata_add(&metadata, "c_type", field->type);
		arrow_metadata_add_number(&metadata, "offset", field->offset);
		arrow_metadata_add_number(&metadata, "size", field->size);
		arrow_metadata_add_number(&metadata, "signed", !!(field->flags & TRC_FIELD_SIGNED));
		if (column->symbols)
			arrow_metadata_add(&metadata, "symbols", text_of(column->symbols));
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

int trc_columns_schema(const struct trc_columns *columns, struct ArrowSchema *out,
		       struct trc_error *err)
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
