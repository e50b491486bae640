/* SPDX-License-Identifier: MIT */
/* Filters made of filters: what their texts cannot say, as each names its own events. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "filter/api.h"
#include "filter/filter.h"
#include "filter/program.h"

#define JOIN_DEPTH_MAX 100 /* bounds the stack of filter_run() */

int trc_filter_create_joined(enum trc_filter_join join, const struct trc_filter *const *parts, size_t count,
			     struct trc_filter **out, struct trc_error *err)
{
	struct trc_filter *filter;
	unsigned depth = 1;

	for (size_t i = 0; i < count; i++) {
		if (parts[i]->depth >= depth)
			depth = parts[i]->depth + 1;
	}
	if (depth > JOIN_DEPTH_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"filter: filters are joined %u deep, at most %d can be", depth,
				JOIN_DEPTH_MAX);
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return trc_fail_no_memory(err);
	filter->joined = true;
	filter->join = join;
	filter->depth = depth;
	filter->part_count = count;
	filter->parts = calloc(count + 1, sizeof(*filter->parts));
	if (!filter->parts) {
		trc_filter_destroy(filter);
		return trc_fail_no_memory(err);
	}
	for (size_t i = 0; i < count; i++)
		filter->parts[i] = parts[i];
	*out = filter;
	return TRC_OK;
}

static void run_joined(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows,
		       uint8_t *pass)
{
	uint8_t part[FILTER_ROWS];

	memset(pass, filter->join == TRC_FILTER_ALL, rows->count);
	for (size_t p = 0; p < filter->part_count; p++) {
		filter_run(filter->parts[p], id, rows, part);
		for (size_t i = 0; i < rows->count; i++)
			pass[i] = filter->join == TRC_FILTER_ALL ? pass[i] & part[i] : pass[i] | part[i];
	}
	if (filter->join == TRC_FILTER_NONE) {
		for (size_t i = 0; i < rows->count; i++)
			pass[i] = !pass[i];
	}
}

void filter_run(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows, uint8_t *pass)
{
	if (filter->joined)
		run_joined(filter, id, rows, pass);
	else
		filter_run_program(filter, id, rows, pass);
}

int trc_filter_passes(const struct trc_filter *filter, uint32_t id, const uint8_t *payload, uint32_t size,
		      uint32_t cpu)
{
	const struct filter_rows rows = { 1, &payload, &size, &cpu };
	uint8_t pass;

	filter_run(filter, id, &rows, &pass);
	return pass;
}
