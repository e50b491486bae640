/* SPDX-License-Identifier: MIT */
#include "records/page_search.h"

#include <inttypes.h>

#include "base/error.h"
#include "file/file.h"
#include "records/api.h"

/* About what comes in where a single page is asked for. */
#define PROBE_BYTES (UINT64_C(256) << 10)

/* Pages without records are passed over to find the time of the next one that has some, not more than these. */
#define PROBE_EMPTY_BYTES (UINT64_C(4) << 20)

/* What a search goes by. Pages that were looked at before bound the times of those between them. */
struct page_search {
	const struct trc_data *data;
	const struct stream *stream;
	struct page_cache *cache;
	uint64_t earliest, latest; /* ns */
};

/* A page that was looked at. */
struct probe {
	bool found;    /* else there are no records, or not among the next probe_pages() */
	uint64_t page; /* the first one with records from there on */
	uint64_t ts;   /* ns, that it begins with */
};

static uint64_t probe_pages(const struct stream *stream)
{
	return PROBE_EMPTY_BYTES / stream->info.page_size + 1;
}

/*
 * Pages without records, empty or damaged, may carry any time, so the next one with records before page
 * limit speaks for them.
 */
static int look_at(const struct page_search *search, uint64_t index, uint64_t limit, struct probe *probe,
		   struct trc_error *err)
{
	const struct trc_data *data = search->data;
	const struct stream *stream = search->stream;
	const struct account *account = search->cache->account;

	if (limit - index > probe_pages(stream))
		limit = index + probe_pages(stream);
	for (probe->found = false; index < limit && !probe->found; index++) {
		struct subbuffer sub;
		struct page page;
		int rc = stream_page(stream, index, search->cache, &page, err);

		if (rc && (!page_fault_is_recoverable(rc) || (account && account->exceeded)))
			return rc;
		if (rc ||
		    !subbuffer_open(&data->layout, data->layout.big_endian, page.bytes,
				    stream->info.page_size, page.available, &sub) ||
		    !subbuffer_has_records(&sub, data->layout.big_endian))
			continue;
		*probe = (struct probe){ true, index, clock_ns(stream->clock, stream->info.cpu, sub.ts) };
	}
	return TRC_OK;
}

/*
 * A damaged time would send the bisection the wrong way, past records that are there. It gives itself away
 * by its neighbours, and by those who were looked at before.
 */
static int check_order(const struct page_search *search, const struct probe *probe, bool *in_order,
		       struct trc_error *err)
{
	uint64_t count = search->stream->info.page_count;
	struct probe before = { 0 }, after = { 0 };
	int rc = TRC_OK;

	*in_order = probe->ts >= search->earliest && probe->ts <= search->latest;
	if (*in_order && probe->page)
		rc = look_at(search, probe->page - 1, probe->page, &before, err);
	if (!rc && *in_order && probe->page + 1 < count)
		rc = look_at(search, probe->page + 1, count, &after, err);
	if (before.found)
		*in_order &= before.ts <= probe->ts;
	if (after.found)
		*in_order &= probe->ts <= after.ts;
	return rc;
}

/* The first and the last page bound the times of all others. */
static int look_at_ends(struct page_search *search, struct trc_error *err)
{
	uint64_t count = search->stream->info.page_count;
	struct probe first, last;
	int rc = look_at(search, 0, count, &first, err);

	if (!rc)
		rc = look_at(search, count - 1, count, &last, err);
	if (rc)
		return rc;
	search->earliest = first.found ? first.ts : 0;
	search->latest = last.found ? last.ts : UINT64_MAX;
	return TRC_OK;
}

int stream_find_page(const struct trc_data *data, const struct stream *stream, uint64_t ts, bool later,
		     struct page_cache *cache, uint64_t *page, struct trc_error *err)
{
	struct page_search search = { .data = data, .stream = stream, .cache = cache };
	uint64_t low = 0, high = stream->info.page_count; /* pages before low begin before ts */
	bool in_order = true;
	int rc = look_at_ends(&search, err);

	while (!rc && in_order && low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct probe probe;
		bool unknown;

		if ((rc = look_at(&search, middle, high, &probe, err)))
			break;
		if (probe.found)
			rc = check_order(&search, &probe, &in_order, err);
		if (!stream->compressed)
			map_visited(&data->file->image.map, PROBE_BYTES);
		unknown = !probe.found && high - middle > probe_pages(stream);
		if (unknown ? later : probe.found && probe.ts < ts) {
			low = middle + 1;
			search.earliest = probe.found ? probe.ts : search.earliest;
		} else {
			high = middle;
			search.latest = probe.found ? probe.ts : search.latest;
		}
	}
	if (rc)
		return rc;
	if (!in_order)
		*page = later ? stream->info.page_count - 1 : 0;
	else
		*page = low ? low - 1 : 0;
	return TRC_OK;
}

int stream_page_ts(const struct trc_data *data, const struct stream *stream, uint64_t page,
		   struct account *account, uint64_t *ts, struct trc_error *err)
{
	struct page_cache cache;
	struct probe probe;
	int rc;

	if (page >= stream->info.page_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "page time: there is no page %" PRIu64,
				page);
	cache = page_cache_of(data, stream, 0, false);
	cache.account = account;
	rc = look_at(&(struct page_search){ .data = data, .stream = stream, .cache = &cache }, page,
		     stream->info.page_count, &probe, err);
	page_cache_deinit(&cache);
	if (!rc && !probe.found)
		rc = trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET,
			      "page time: no records from page %" PRIu64 " on", page);
	if (!rc)
		*ts = probe.ts;
	return rc;
}

int trc_stream_page_ts(const struct trc_data *data, size_t index, uint64_t page, uint64_t *ts,
		       struct trc_error *err)
{
	struct account account = account_of(&data->file->image.budget);
	int rc = map_check(&data->file->image.map, err);

	if (rc)
		return rc;
	if (index >= data->stream_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "page time: there is no stream %zu", index);
	return stream_page_ts(data, &data->streams[index], page, &account, ts, err);
}
