/* SPDX-License-Identifier: MIT */
/*
 * Counting records by event, page by page: nothing of a payload but its id is touched. This is
 * the fastest way through a file, and the measure for all others.
 */
#include <inttypes.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "walk.h"

#define POPULATE_WINDOW (UINT64_C(2) << 20)

/*
 * The records of one page, by id. False: one was damaged. type is where common_type lies: a
 * constant for the layout that every kernel has, so that the loop knows it.
 */
TRC_INLINE bool count_page(bool big_endian, struct event_place type, struct subbuffer sub,
			   uint64_t *counts, uint64_t *records)
{
	enum subbuffer_step step;
	struct record record;
	uint64_t n = 0;

	while ((step = subbuffer_next(&sub, big_endian, &record)) == SUBBUFFER_RECORD) {
		uint32_t id = record_id(type, big_endian, record.payload, record.size);

		counts[id < TRC_COUNT_IDS - 1 ? id : TRC_COUNT_IDS - 1]++;
		n++;
	}
	*records += n;
	return step != SUBBUFFER_DAMAGED;
}

static bool count_any_page(const struct trc_data *data, struct subbuffer sub, uint64_t *counts,
			   uint64_t *records)
{
	struct event_place type = data->common.type;
	bool usual = type.offset == USUAL_TYPE.offset && type.size == USUAL_TYPE.size;

	/* One loop for each case that occurs, with the others' code gone from it. */
	if (data->layout.big_endian)
		return count_page(true, type, sub, counts, records);
	return usual ? count_page(false, USUAL_TYPE, sub, counts, records) :
		       count_page(false, type, sub, counts, records);
}

/* A second way through a page that has records, for the time of its first or last one. */
static uint64_t page_ts(const struct trc_data *data, const struct stream *stream,
			struct subbuffer sub, bool first)
{
	struct record record = { 0 };

	while (subbuffer_next(&sub, data->layout.big_endian, &record) == SUBBUFFER_RECORD && !first)
		;
	return clock_ns(stream->clock, stream->info.cpu, record.ts);
}

/* One page of the count. TRC_CORRUPT and the like: it, or what is left of it, was passed over. */
static int count_one(const struct trc_data *data, const struct stream *stream, uint64_t index,
		     struct chunk_cache *cache, uint64_t *counts, struct trc_count *result,
		     struct subbuffer *start, struct trc_error *err)
{
	struct subbuffer sub;
	struct page page;
	bool sound;
	int rc = stream_page(data, stream, index, cache, &page, err);

	if (rc)
		return rc;
	sound = subbuffer_open(&data->layout, data->layout.big_endian, page.bytes,
			       stream->info.page_size, page.available, &sub);
	if (sound) {
		*start = sub;
		if (TRC_UNLIKELY(sub.missed)) {
			result->missed_events += sub.missed > 0 ? (uint64_t)sub.missed : 0;
			result->missed_unknown += sub.missed < 0;
		}
		sound = count_any_page(data, sub, counts, &result->records);
	}
	return sound ? TRC_OK : trc_fail(err, TRC_CORRUPT, page.offset,
					 "sub-buffer %" PRIu64 " of CPU %u: damaged", index,
					 stream->info.cpu);
}

/* The mapping is asked for in windows: see walk.c. */
static void populate(const struct trc_data *data, const struct stream *stream, uint64_t index,
		     uint64_t end, uint64_t *populated)
{
	uint64_t pages = POPULATE_WINDOW / stream->info.page_size;

	if (stream->compressed || index < *populated)
		return;
	if (pages > end - index || !pages)
		pages = pages ? end - index : 1;
	map_populate(&data->file->map, stream->offset + index * stream->info.page_size,
		     pages * stream->info.page_size);
	*populated = index + pages;
}

static int count_pages(const struct trc_data *data, const struct stream *stream, uint64_t first,
		       uint64_t end, struct chunk_cache *cache, uint64_t *counts,
		       struct trc_count *result, struct trc_error *err)
{
	uint64_t last_page = UINT64_MAX, populated = 0;
	struct subbuffer start = { 0 };
	int rc;

	for (uint64_t index = first; index < end; index++) {
		uint64_t before = result->records;
		struct trc_error fault;

		populate(data, stream, index, end, &populated);
		rc = count_one(data, stream, index, cache, counts, result, &start, &fault);
		if (rc && !problem_is_bearable(rc)) {
			if (err)
				*err = fault;
			return rc;
		}
		if (rc && !result->damaged_pages++)
			result->damage = fault;
		if (result->records == before)
			continue;
		if (!before)
			result->first_ts = page_ts(data, stream, start, true);
		last_page = index;
	}
	if (last_page != UINT64_MAX) {
		struct page page;

		if ((rc = stream_page(data, stream, last_page, cache, &page, err)))
			return rc;
		if (subbuffer_open(&data->layout, data->layout.big_endian, page.bytes,
				   stream->info.page_size, page.available, &start))
			result->last_ts = page_ts(data, stream, start, false);
	}
	return TRC_OK;
}

int trc_count(const struct trc_data *data, size_t index, uint64_t first, uint64_t count,
	      uint64_t *counts, struct trc_count *result, struct trc_error *err)
{
	struct chunk_cache cache = chunk_cache_of(data);
	struct trc_count sum = { 0 };
	int rc = map_check(&data->file->map, err);

	if (rc)
		return rc;
	if (index >= data->stream_count || first > data->streams[index].info.page_count ||
	    count > data->streams[index].info.page_count - first)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"count: stream %zu has no pages %" PRIu64 " + %" PRIu64, index, first, count);
	rc = count_pages(data, &data->streams[index], first, first + count, &cache, counts, &sum, err);
	chunk_cache_deinit(&cache);
	if (!rc)
		*result = sum;
	return rc;
}

int trc_stream_release(const struct trc_data *data, size_t index, uint64_t first, uint64_t count,
		       struct trc_error *err)
{
	const struct stream *stream;

	if (index >= data->stream_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "release: there is no stream %zu", index);
	stream = &data->streams[index];
	if (!stream->compressed && first < stream->info.page_count)
		map_drop(&data->file->map, stream->offset + first * stream->info.page_size,
			 count * stream->info.page_size);
	return TRC_OK;
}
