/* SPDX-License-Identifier: MIT */
/*
 * One field of some records of a walk, decoded as columns are: what a single event's field is, is what
 * tables say it is.
 */
#include <stdlib.h>

#include "arrow/api.h"
#include "arrow/schema.h"
#include "base/error.h"
#include "columns/api.h"
#include "columns/field.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "records/api.h"

#define PORTION 64

struct trc_field_reader {
	struct field_access access;
	bool of_all; /* events */
};

static int make_reader(struct field_access access, bool of_all, struct trc_field_reader **out,
		       struct trc_error *err)
{
	struct trc_field_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return trc_fail_no_memory(err);
	reader->access = access;
	reader->of_all = of_all;
	*out = reader;
	return TRC_OK;
}

int trc_field_reader_create(const struct trc_metadata *metadata, size_t event, size_t index,
			    struct trc_field_reader **out, struct trc_error *err)
{
	const struct event_format *format;
	const struct event_field *field = metadata_field(metadata, event, index, &format, err);

	if (!field)
		return TRC_NOT_FOUND;
	return make_reader(field_access_of(format, field, metadata->long_size,
					   TRC_COLUMNS_BINARY | TRC_COLUMNS_NO_DICTIONARY),
			   false, out, err);
}

int trc_common_reader_create(const struct trc_metadata *metadata, uint32_t kind,
			     struct trc_field_reader **out, struct trc_error *err)
{
	const struct event_common *common = &metadata->formats.common;

	if (kind != TRC_COLUMN_FLAGS && kind != TRC_COLUMN_PREEMPT_COUNT)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"field reader: column kind %u is not a field", kind);
	return make_reader(
		field_access_of_common(kind == TRC_COLUMN_FLAGS ? common->flags : common->preempt_count),
		true, out, err);
}

void trc_field_reader_destroy(struct trc_field_reader *reader)
{
	free(reader);
}

int trc_field_reader_schema(const struct trc_field_reader *reader, struct ArrowSchema *out,
			    struct trc_error *err)
{
	struct column_type type = reader->access.type;

	type.binary = false; /* so that texts can be told from binary */
	return arrow_schema(type, "", true, NULL, out, err);
}

static bool is_wanted(const struct trc_field_reader *reader, const struct trc_batch *batch, size_t row,
		      uint32_t id)
{
	return reader->of_all || batch->id[row] == id;
}

/* As many of the rows as are wanted alike, from the first on, a portion at most. */
static size_t same_rows(const struct trc_field_reader *reader, const struct trc_batch *batch, size_t first,
			size_t end, uint32_t id)
{
	bool wanted = is_wanted(reader, batch, first, id);
	size_t count = 1;

	while (count < PORTION && first + count < end &&
	       is_wanted(reader, batch, first + count, id) == wanted)
		count++;
	return count;
}

/* A portion of rows that are wanted. */
static bool put_rows(const struct trc_field_reader *reader, const struct trc_batch *batch, size_t first,
		     size_t count, bool big_endian, struct column_builder *builder)
{
	struct walk_record records[PORTION];
	const struct column_rows rows = { records, count, 0, big_endian };

	for (size_t i = 0; i < count; i++) {
		uint32_t size = batch->size[first + i];

		records[i] = (struct walk_record){
			.payload = batch->payload + batch->payload_end[first + i] - size,
			.size = size,
		};
	}
	return column_put_field(builder, NULL, &rows, &reader->access);
}

/* The values so far as an array, or, unless all went well, none. */
static int finish(struct column_builder *builder, bool good, size_t rows, struct ArrowArray *out,
		  struct trc_error *err)
{
	good = good && arrow_column(builder, rows, out);
	column_builder_deinit(builder);
	return good ? TRC_OK : trc_fail_no_memory(err);
}

int trc_field_reader_values(const struct trc_field_reader *reader, const struct trc_batch *batch,
			    size_t first, size_t count, uint32_t id, int big_endian, struct ArrowArray *out,
			    struct trc_error *err)
{
	struct column_builder builder;
	bool good;

	column_builder_init(&builder, reader->access.type);
	good = column_builder_begin(&builder, count, NULL);
	for (size_t row = first, n; good && row < first + count; row += n) {
		n = same_rows(reader, batch, row, first + count, id);
		good = is_wanted(reader, batch, row, id) ?
			       put_rows(reader, batch, row, n, big_endian, &builder) :
			       column_put_nulls(&builder, n);
		builder.rows += n;
	}
	return finish(&builder, good, count, out, err);
}

int trc_field_reader_value(const struct trc_field_reader *reader, const uint8_t *payload, uint32_t size,
			   int big_endian, struct ArrowArray *out, struct trc_error *err)
{
	const struct walk_record record = { .payload = payload, .size = size };
	const struct column_rows rows = { &record, 1, size, big_endian };
	struct column_builder builder;
	bool good;

	column_builder_init(&builder, reader->access.type);
	good = column_builder_begin(&builder, 1, NULL) &&
	       column_put_field(&builder, NULL, &rows, &reader->access);
	return finish(&builder, good, 1, out, err);
}
