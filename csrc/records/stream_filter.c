/* SPDX-License-Identifier: MIT */
/* trace-cmd's filters over the records of a page: trace-cmd-report(1), -F and -v -F. */
#include <string.h>

#include "filter/api.h"
#include "filter/filter.h"
#include "records/stream_cursor.h"

static uint32_t id_of(const struct stream_cursor *cursor, size_t index)
{
	const struct walk_record *record = &cursor->block.records[index];

	return record_id(cursor->data->common.type, cursor->data->layout.big_endian, record->payload,
			 record->size);
}

/* Marks with 1 what a filter lets through, of records of one event that stand together. */
static void run_one(const struct stream_cursor *cursor, const struct trc_filter *filter, size_t from,
		    size_t count, uint8_t *pass)
{
	const struct walk_record *records = cursor->block.records + from;
	const uint8_t *payload[FILTER_ROWS];
	uint32_t size[FILTER_ROWS], cpu[FILTER_ROWS];
	struct filter_rows rows = { count, payload, size, cpu };

	for (size_t i = 0; i < count; i++) {
		payload[i] = records[i].payload;
		size[i] = records[i].size;
		cpu[i] = cursor->stream->info.cpu;
	}
	filter_run(filter, id_of(cursor, from), &rows, pass);
}

/* Sets marks of the records that any of the filters lets through. */
static void run_any(const struct stream_cursor *cursor, const struct trc_filter *const *filters,
		    size_t filter_count, size_t from, size_t count, uint8_t *marks)
{
	uint8_t pass[FILTER_ROWS];

	memset(marks, 0, count);
	for (size_t f = 0; f < filter_count; f++) {
		run_one(cursor, filters[f], from, count, pass);
		for (size_t i = 0; i < count; i++)
			marks[i] |= pass[i];
	}
}

/* How many records from one on are of the same event, as far as they are looked at together. */
static size_t same_event(const struct stream_cursor *cursor, size_t from)
{
	uint32_t id = id_of(cursor, from);
	size_t count = 1;

	while (count < FILTER_ROWS && from + count < cursor->block.count && id_of(cursor, from + count) == id)
		count++;
	return count;
}

/*
 * trace-cmd's way: the first stack that the filters refuse, after a record that they let through,
 * comes along with that. docs/FORMAT.md 6.3.
 */
static bool keep_with_stack(struct stream_cursor *cursor, bool in, bool out, bool is_stack)
{
	bool wanted = cursor->stack_wanted;

	if (in && !out)
		cursor->stack_wanted = true;
	if (in || !is_stack)
		return in && !out;
	cursor->stack_wanted = false;
	return wanted && !out;
}

void walk_filter_block(struct stream_cursor *cursor)
{
	const struct record_filter *filter = cursor->filter;
	struct record_block *block = &cursor->block;
	uint8_t in[FILTER_ROWS], out[FILTER_ROWS];
	size_t kept = 0;

	for (size_t from = 0; from < block->count;) {
		size_t count = same_event(cursor, from);
		bool stacks = filter->stack_id && filter->filter_count;
		bool is_stack = id_of(cursor, from) == filter->stack_id;

		run_any(cursor, filter->filters, filter->filter_count, from, count, in);
		run_any(cursor, filter->filters_out, filter->filter_out_count, from, count, out);
		for (size_t i = 0; i < count; i++) {
			if (stacks ? !keep_with_stack(cursor, in[i], out[i], is_stack) :
				     (filter->filter_count && !in[i]) || out[i])
				continue;
			block->records[kept++] = block->records[from + i];
		}
		from += count;
	}
	block->count = kept;
}
