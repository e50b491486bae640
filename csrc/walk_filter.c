/* SPDX-License-Identifier: MIT */
/* trace-cmd's filters over the records of a page: trace-cmd-report(1), -F and -v -F. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter.h"
#include "walk.h"

/* Marks with 1 what a filter lets through, of records of one event that stand together. */
static bool run_one(const struct stream_cursor *cursor, const struct trc_filter *filter,
		    size_t from, size_t count, uint8_t *pass)
{
	const struct record_block *block = &cursor->block;
	const uint8_t *payload[FILTER_ROWS];
	uint32_t cpu[FILTER_ROWS];
	struct filter_rows rows = { count, payload, block->size + from, cpu };

	for (size_t i = 0; i < count; i++) {
		payload[i] = cursor->page.bytes + block->offset[from + i];
		cpu[i] = cursor->stream->info.cpu;
	}
	return filter_run(filter, block->id[from], &rows, pass);
}

/* Sets marks of the records that any of the filters lets through. */
static bool run_any(const struct stream_cursor *cursor, const struct trc_filter *const *filters,
		    size_t filter_count, size_t from, size_t count, uint8_t *marks)
{
	uint8_t pass[FILTER_ROWS];

	memset(marks, 0, count);
	for (size_t f = 0; f < filter_count; f++) {
		if (!run_one(cursor, filters[f], from, count, pass))
			return false;
		for (size_t i = 0; i < count; i++)
			marks[i] |= pass[i];
	}
	return true;
}

/* How many records from one on are of the same event, as far as they are looked at together. */
static size_t same_event(const struct record_block *block, size_t from)
{
	size_t count = 1;

	while (count < FILTER_ROWS && from + count < block->count &&
	       block->id[from + count] == block->id[from])
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

int walk_filter_block(struct stream_cursor *cursor, struct trc_error *err)
{
	const struct record_filter *filter = cursor->filter;
	struct record_block *block = &cursor->block;
	uint8_t in[FILTER_ROWS], out[FILTER_ROWS];
	size_t kept = 0;

	for (size_t from = 0; from < block->count;) {
		size_t count = same_event(block, from);
		bool stacks = filter->stack_id && filter->filter_count;
		bool is_stack = block->id[from] == filter->stack_id;

		if (!run_any(cursor, filter->filters, filter->filter_count, from, count, in) ||
		    !run_any(cursor, filter->filters_out, filter->filter_out_count, from, count, out))
			return trc_fail_no_memory(err);
		for (size_t i = 0; i < count; i++) {
			if (stacks ? !keep_with_stack(cursor, in[i], out[i], is_stack) :
				     (filter->filter_count && !in[i]) || out[i])
				continue;
			record_block_move(block, kept++, from + i);
		}
		from += count;
	}
	block->count = kept;
	return TRC_OK;
}
