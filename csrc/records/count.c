/* SPDX-License-Identifier: MIT */
/*
 * Counting records by event, page by page: nothing of a payload but its id is touched. This is
 * the fastest way through a file, and the measure for all others.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "file/file.h"
#include "records/api.h"
#include "records/page.h"

/* What comes in at once: see stream_cursor.c. */
#define MAPPED_STEP (UINT64_C(2) << 20)
#define READ_STEP (UINT64_C(256) << 10)

TRC_INLINE void count_id(uint64_t *counts, uint32_t id)
{
	counts[id < TRC_COUNT_IDS - 1 ? id : TRC_COUNT_IDS - 1]++;
}

/*
 * The rest of a page's records, by id. False: one was damaged. type is where common_type lies: a
 * constant for the layout that every kernel has, so that the loop knows it.
 */
TRC_INLINE bool count_rest(bool big_endian, struct event_place type, struct subbuffer *sub, uint64_t *counts,
			   uint64_t *records)
{
	struct subbuffer s = *sub;
	enum subbuffer_step step;
	struct record record;
	uint64_t n = 0;

	while ((step = subbuffer_next(&s, big_endian, &record)) == SUBBUFFER_RECORD) {
		count_id(counts, record_id(type, big_endian, record.payload, record.size));
		n++;
	}
	*records += n;
	return step != SUBBUFFER_DAMAGED;
}

/*
 * Two pages in step, for as long as both go on with ordinary records. Where a record begins is only
 * known from the one before, so a single page leaves the processor waiting for each load; two of
 * them keep it busy. They have to be far apart: of neighbours its prefetcher makes one stream.
 */
TRC_INLINE void count_in_step(bool big_endian, struct event_place type, struct subbuffer *first,
			      struct subbuffer *second, uint64_t *counts, uint64_t *records)
{
	struct subbuffer_run a, b;
	struct record of_a, of_b;
	uint64_t n = 0;

	if (!subbuffer_run_begin(first, &a) || !subbuffer_run_begin(second, &b))
		return;
	while (subbuffer_run_next(&a, big_endian, &of_a)) {
		count_id(counts, record_id(type, big_endian, of_a.payload, of_a.size));
		n++;
		if (!subbuffer_run_next(&b, big_endian, &of_b))
			break;
		count_id(counts, record_id(type, big_endian, of_b.payload, of_b.size));
		n++;
	}
	subbuffer_run_end(first, &a);
	subbuffer_run_end(second, &b);
	*records += n;
}

/* A page that is to be counted, and what came of it. */
struct counted_page {
	uint64_t index, offset;
	struct subbuffer sub;
	bool sound;
};

TRC_INLINE void count_both(bool big_endian, struct event_place type, struct counted_page pages[2],
			   uint64_t *counts, uint64_t *records)
{
	if (pages[0].sound && pages[1].sound)
		count_in_step(big_endian, type, &pages[0].sub, &pages[1].sub, counts, records);
	for (unsigned i = 0; i < 2; i++) {
		if (pages[i].sound)
			pages[i].sound = count_rest(big_endian, type, &pages[i].sub, counts, records);
	}
}

/* One loop for each case that occurs, with the others' code gone from it. */
static void count_any(const struct trc_data *data, struct counted_page pages[2], uint64_t *counts,
		      uint64_t *records)
{
	struct event_place type = data->common.type;
	bool usual = type.offset == USUAL_TYPE.offset && type.size == USUAL_TYPE.size;

	if (data->layout.big_endian)
		count_both(true, type, pages, counts, records);
	else if (usual)
		count_both(false, USUAL_TYPE, pages, counts, records);
	else
		count_both(false, type, pages, counts, records);
}

/* A stretch of pages. */
struct stretch {
	uint64_t next, end;
	struct page_cache cache;
};

static struct stretch stretch_of(const struct trc_data *data, const struct stream *stream, uint64_t first,
				 uint64_t end)
{
	struct stretch stretch = {
		first, end,
		page_cache_of(data, stream, data->file->image.map.base ? MAPPED_STEP : READ_STEP, false)
	};
	struct map_window *window = &stretch.cache.window;

	window->keep_mapped = true; /* trc_stream_release() */
	if (!stream->compressed) {
		window->low = stream->offset + first * stream->info.page_size;
		window->high = stream->offset + end * stream->info.page_size;
	}
	return stretch;
}

/* Of several the one that comes first in the file is kept. */
static void note_damage(struct trc_count *result, const struct trc_error *fault)
{
	if (!result->damaged_pages++ || fault->offset < result->damage.offset)
		result->damage = *fault;
}

/*
 * Opens a page. Pages that cannot be had, or whose header is damaged, are noted and not sound; only
 * what says nothing about the file fails.
 */
static int open_page(const struct trc_data *data, const struct stream *stream, uint64_t index,
		     struct page_cache *cache, struct counted_page *out, struct trc_count *result,
		     struct trc_error *err)
{
	struct trc_error fault;
	struct page page;
	int rc = stream_page(stream, index, cache, &page, &fault);

	*out = (struct counted_page){ .index = index };
	if (rc && !page_fault_is_recoverable(rc)) {
		if (err)
			*err = fault;
		return rc;
	}
	out->sound = !rc && subbuffer_open(&data->layout, data->layout.big_endian, page.bytes,
					   stream->info.page_size, page.available, &out->sub);
	out->offset = rc ? 0 : page.offset;
	if (!rc && !out->sound)
		trc_fail(&fault, TRC_CORRUPT, page.offset,
			 "sub-buffer %" PRIu64 " of CPU %u: its header"
			 " is damaged",
			 index, stream->info.cpu);
	if (!out->sound)
		note_damage(result, &fault);
	if (out->sound && TRC_UNLIKELY(out->sub.missed)) {
		result->missed_events += out->sub.missed > 0 ? (uint64_t)out->sub.missed : 0;
		result->missed_unknown += out->sub.missed < 0;
	}
	return TRC_OK;
}

/* Opens the next page of a stretch, if it has one. */
static int take_page(const struct trc_data *data, const struct stream *stream, struct stretch *stretch,
		     struct counted_page *out, struct trc_count *result, struct trc_error *err)
{
	*out = (struct counted_page){ 0 };
	if (stretch->next == stretch->end)
		return TRC_OK;
	return open_page(data, stream, stretch->next++, &stretch->cache, out, result, err);
}

static int count_stretches(const struct trc_data *data, const struct stream *stream,
			   struct stretch stretches[2], uint64_t *counts, struct trc_count *result,
			   struct trc_error *err)
{
	while (stretches[0].next < stretches[0].end) {
		struct counted_page pages[2];
		int rc;

		for (unsigned i = 0; i < 2; i++) {
			rc = take_page(data, stream, &stretches[i], &pages[i], result, err);
			if (rc)
				return rc;
		}
		bool was_sound[2] = { pages[0].sound, pages[1].sound };

		count_any(data, pages, counts, &result->records);
		for (unsigned i = 0; i < 2; i++) {
			struct trc_error fault;

			if (!was_sound[i] || pages[i].sound)
				continue;
			trc_fail(&fault, TRC_CORRUPT, pages[i].offset,
				 "sub-buffer %" PRIu64 " of CPU %u:"
				 " a record is damaged, the rest is lost",
				 pages[i].index, stream->info.cpu);
			note_damage(result, &fault);
		}
	}
	return TRC_OK;
}

static int count_pages(const struct trc_data *data, const struct stream *stream, uint64_t first, uint64_t end,
		       uint64_t *counts, struct trc_count *result, struct trc_error *err)
{
	/* Compressed pages are taken one by one: unpacking takes so long that it makes no difference. */
	uint64_t middle = stream->compressed ? end : first + (end - first + 1) / 2;
	struct stretch stretches[2] = {
		stretch_of(data, stream, first, middle),
		stretch_of(data, stream, middle, end),
	};
	int rc = count_stretches(data, stream, stretches, counts, result, err);

	page_cache_deinit(&stretches[0].cache);
	page_cache_deinit(&stretches[1].cache);
	return rc;
}

/* Times of the first and the last record: from either end, the first page that has any. */
static int find_times(const struct trc_data *data, const struct stream *stream, uint64_t first, uint64_t end,
		      bool last, uint64_t *ts, struct trc_error *err)
{
	struct page_cache cache = page_cache_of(data, stream, 0, last);
	bool any = false;
	int rc = TRC_OK;

	for (uint64_t n = 0; !rc && !any && n < end - first; n++) {
		struct trc_count ignored = { 0 };
		struct counted_page page;
		struct record record;

		rc = open_page(data, stream, last ? end - 1 - n : first + n, &cache, &page, &ignored, err);
		while (!rc && page.sound && !(any && !last) &&
		       subbuffer_next(&page.sub, data->layout.big_endian, &record) == SUBBUFFER_RECORD) {
			*ts = clock_ns(stream->clock, stream->info.cpu, record.ts);
			any = true;
		}
	}
	page_cache_deinit(&cache);
	return rc;
}

int trc_count(const struct trc_data *data, size_t index, uint64_t first, uint64_t count, uint64_t *counts,
	      struct trc_count *result, struct trc_error *err)
{
	struct trc_count sum = { 0 };
	const struct stream *stream;
	int rc;

	if (index >= data->stream_count || first > data->streams[index].info.page_count ||
	    count > data->streams[index].info.page_count - first)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"count: stream %zu has no pages %" PRIu64 " + %" PRIu64, index, first, count);
	stream = &data->streams[index];
	if ((rc = map_check(&data->file->image.map, err)))
		return rc;
	rc = count_pages(data, stream, first, first + count, counts, &sum, err);
	if (!rc && sum.records)
		rc = find_times(data, stream, first, first + count, false, &sum.first_ts, err);
	if (!rc && sum.records)
		rc = find_times(data, stream, first, first + count, true, &sum.last_ts, err);
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
		map_drop(&data->file->image.map, stream->offset + first * stream->info.page_size,
			 count * stream->info.page_size);
	return TRC_OK;
}
