/* SPDX-License-Identifier: MIT */
/*
 * Filters made of filters: what their texts cannot say, as each names its own events. One that is a part in
 * many places, also of filters that are parts in many themselves, is run once all the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "filter/api.h"
#include "filter/filter.h"
#include "filter/program.h"

#define MASKS_SIZE 32768 /* of the stack: a byte for 8 records of each filter and each step, at least */

/* --- making ---------------------------------------------------------------------------------- */

static int check(const struct trc_filter_join *join, struct trc_error *err)
{
	if (!join->step_count || join->filter_count > MASKS_SIZE ||
	    join->step_count > MASKS_SIZE - join->filter_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"filter: joined of %zu filters in %zu steps; there may be %d together",
				join->filter_count, join->step_count, MASKS_SIZE);
	for (size_t i = 0; i < join->filter_count; i++) {
		if (join->filters[i]->join)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: %zu is joined itself", i);
	}
	for (size_t s = 0; s < join->step_count; s++) {
		const struct trc_filter_step *step = &join->steps[s];

		if (step->first > join->part_count || step->count > join->part_count - step->first)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: parts of step %zu", s);
		for (size_t p = 0; p < step->count; p++) {
			if (join->parts[step->first + p] >= join->filter_count + s)
				return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
						"filter: step %zu has a part that is not before it", s);
		}
	}
	return TRC_OK;
}

static void *copy(const void *from, size_t count, size_t size)
{
	void *to = calloc(count + 1, size);

	if (to && count)
		memcpy(to, from, count * size);
	return to;
}

void filter_join_destroy(struct trc_filter_join *join)
{
	if (!join)
		return;
	free((void *)(uintptr_t)join->filters);
	free((void *)(uintptr_t)join->steps);
	free((void *)(uintptr_t)join->parts);
	free(join);
}

int trc_filter_create_joined(const struct trc_filter_join *join, struct trc_filter **out,
			     struct trc_error *err)
{
	struct trc_filter *filter;
	int rc = check(join, err);

	if (rc)
		return rc;
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return trc_fail_no_memory(err);
	filter->join = copy(join, 1, sizeof(*join));
	if (filter->join) {
		filter->join->filters = copy(join->filters, join->filter_count, sizeof(*join->filters));
		filter->join->steps = copy(join->steps, join->step_count, sizeof(*join->steps));
		filter->join->parts = copy(join->parts, join->part_count, sizeof(*join->parts));
	}
	if (!filter->join || !filter->join->filters || !filter->join->steps || !filter->join->parts) {
		trc_filter_destroy(filter);
		return trc_fail_no_memory(err);
	}
	*out = filter;
	return TRC_OK;
}

/* --- running --------------------------------------------------------------------------------- */

/* Masks have a bit a record. */
static void run_filter(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows,
		       uint8_t *mask, size_t width)
{
	uint8_t pass[FILTER_ROWS];

	filter_run_program(filter, id, rows, pass);
	memset(mask, 0, width);
	for (size_t i = 0; i < rows->count; i++)
		mask[i / 8] |= (uint8_t)((pass[i] != 0) << i % 8);
}

static void run_step(const struct trc_filter_join *join, const struct trc_filter_step *step,
		     const uint8_t *masks, uint8_t *mask, size_t width)
{
	bool all = step->how == TRC_FILTER_ALL;

	memset(mask, all ? 0xff : 0, width);
	for (size_t p = 0; p < step->count; p++) {
		const uint8_t *part = masks + width * join->parts[step->first + p];

		for (size_t i = 0; i < width; i++)
			mask[i] = all ? mask[i] & part[i] : mask[i] | part[i];
	}
	for (size_t i = 0; step->how == TRC_FILTER_NONE && i < width; i++)
		mask[i] = (uint8_t)~mask[i];
}

static void run_some(const struct trc_filter_join *join, uint32_t id, const struct filter_rows *rows,
		     uint8_t *masks, uint8_t *pass)
{
	size_t width = (rows->count + 7) / 8, count = join->filter_count;
	const uint8_t *last = masks + width * (count + join->step_count - 1);

	for (size_t i = 0; i < count; i++)
		run_filter(join->filters[i], id, rows, masks + width * i, width);
	for (size_t s = 0; s < join->step_count; s++)
		run_step(join, &join->steps[s], masks, masks + width * (count + s), width);
	for (size_t i = 0; i < rows->count; i++)
		pass[i] = last[i / 8] >> i % 8 & 1;
}

/* As many records at a time as there is room for masks. */
static void run_joined(const struct trc_filter_join *join, uint32_t id, const struct filter_rows *rows,
		       uint8_t *pass)
{
	uint8_t masks[MASKS_SIZE];
	size_t at_once = MASKS_SIZE / (join->filter_count + join->step_count) * 8;

	for (size_t from = 0; from < rows->count; from += at_once) {
		size_t left = rows->count - from;
		const struct filter_rows some = {
			.count = left < at_once ? left : at_once,
			.payload = rows->payload + from,
			.size = rows->size + from,
			.cpu = rows->cpu + from,
		};

		run_some(join, id, &some, masks, pass + from);
	}
}

void filter_run(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows, uint8_t *pass)
{
	if (filter->join)
		run_joined(filter->join, id, rows, pass);
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
