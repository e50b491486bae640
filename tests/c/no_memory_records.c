/* SPDX-License-Identifier: MIT */
/* Jobs of no_memory: records as columns, and their fields one by one. */
#include <stdlib.h>
#include <string.h>

#include "no_memory.h"

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

int job_columns(const struct opened *o, uint32_t flags, struct sum *sum)
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

int job_fields(const struct opened *o, uint32_t flags, struct sum *sum)
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
