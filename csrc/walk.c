/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <inttypes.h>
#include <stdlib.h>

#include "error.h"
#include "file.h"

/*
 * How much of the mapping is asked for at once: page faults cost more than the walk itself, and
 * one call for a megabyte is far cheaper than its 256 faults.
 */
#define POPULATE_WINDOW (UINT64_C(1) << 20)

void stream_cursor_init(struct stream_cursor *cursor, const struct trc_data *data,
			const struct stream *stream, const struct record_filter *filter,
			bool backwards, bool drop_behind, struct problems *problems)
{
	uint64_t count = stream->info.page_count;	/* never 0: trc_data_create() */

	*cursor = (struct stream_cursor){
		.data = data,
		.stream = stream,
		.filter = filter,
		.backwards = backwards,
		.drop_behind = drop_behind,
		.next = backwards ? count - 1 : 0,
		.last = backwards ? 0 : count - 1,
		.cache = chunk_cache_of(data),
		.populated = backwards ? UINT64_MAX : 0,
		.problems = problems,
	};
}

void stream_cursor_deinit(struct stream_cursor *cursor)
{
	chunk_cache_deinit(&cursor->cache);
	free(cursor->records);
}

/* --- pages ----------------------------------------------------------------------------------- */

/* Uncompressed: the window that begins with the open page comes in, the one behind goes. */
static void populate(struct stream_cursor *cursor)
{
	const struct map *map = &cursor->data->file->map;
	uint64_t page_size = cursor->stream->info.page_size;
	uint64_t window = page_size > POPULATE_WINDOW ? page_size : POPULATE_WINDOW;
	uint64_t from = cursor->page.offset, to = from + window;

	if (cursor->backwards ? from >= cursor->populated : from < cursor->populated)
		return;
	if (cursor->backwards) {
		to = from + page_size;
		from = to > cursor->stream->offset + window ? to - window : cursor->stream->offset;
	} else if (to > cursor->stream->offset + cursor->stream->size) {
		to = cursor->stream->offset + cursor->stream->size;
	}
	if (cursor->drop_behind && cursor->populated && cursor->populated != UINT64_MAX)
		map_drop(map, cursor->backwards ? cursor->populated : cursor->populated - window, window);
	map_populate(map, from, to - from);
	cursor->populated = cursor->backwards ? from : to;
}

/* A damaged page: told of, passed over. */
static void note_page(struct stream_cursor *cursor, const char *what)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, cursor->page.offset, "sub-buffer %" PRIu64 " of CPU %u: %s",
		 cursor->index, cursor->stream->info.cpu, what);
	problems_add(cursor->problems, &fault);
}

/* The next page of the stream; 1, 0 at the end, or minus a code. */
static int next_page(struct stream_cursor *cursor, struct trc_error *err)
{
	int rc;

	if (cursor->done)
		return 0;
	cursor->index = cursor->next;
	cursor->done = cursor->index == cursor->last;
	cursor->next = cursor->backwards ? cursor->index - 1 : cursor->index + 1;
	cursor->pages_read++;
	rc = stream_page(cursor->data, cursor->stream, cursor->index, &cursor->cache, &cursor->page, err);
	if (rc)
		return -rc;
	if (!cursor->stream->compressed)
		populate(cursor);
	return 1;
}

/* A chunk that does not unpack takes all its pages with it: one problem for the lot. */
static void skip_chunk(struct stream_cursor *cursor, const struct trc_error *fault)
{
	const struct stream *stream = cursor->stream;
	const struct chunk *chunk = &stream->chunks[stream_find_chunk(stream, cursor->index)];
	uint64_t behind = chunk->first_page + chunk->plain / stream->info.page_size;

	problems_add(cursor->problems, fault);
	cursor->done = cursor->backwards ? chunk->first_page <= cursor->last : behind > cursor->last;
	cursor->next = cursor->backwards ? chunk->first_page - 1 : behind;
}

/* Opens pages until one is sound; 1, 0 at the end, or minus a code. */
static int open_page(struct stream_cursor *cursor, struct trc_error *err)
{
	for (;;) {
		struct trc_error fault;
		int rc = next_page(cursor, &fault);

		if (!rc)
			return 0;
		if (rc < 0 && problem_is_bearable(-rc)) {
			skip_chunk(cursor, &fault);
			continue;
		}
		if (rc < 0) {
			if (err)
				*err = fault;
			return rc;
		}
		if (subbuffer_open(&cursor->data->layout, cursor->data->layout.big_endian,
				   cursor->page.bytes, cursor->stream->info.page_size,
				   cursor->page.available, &cursor->sub))
			return 1;
		note_page(cursor, "its header is damaged");
	}
}

/* --- records --------------------------------------------------------------------------------- */

static bool pid_wanted(const struct record_filter *filter, int32_t pid)
{
	size_t low = 0, high = filter->pid_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (filter->pids[middle] < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < filter->pid_count && filter->pids[low] == pid;
}

static bool id_wanted(const struct record_filter *filter, uint32_t id)
{
	return id < 65536 && (filter->event_ids[id >> 3] >> (id & 7) & 1);
}

/* Fills *out from a raw record, whose time is always set; false: it is not wanted. */
TRC_INLINE bool take_record(const struct stream_cursor *cursor, bool big_endian,
			    const struct record *record, struct walk_record *out)
{
	const struct trc_data *data = cursor->data;
	const struct record_filter *filter = cursor->filter;

	out->ts = clock_ns(cursor->stream->clock, cursor->stream->info.cpu, record->ts);
	if (TRC_UNLIKELY(out->ts < filter->start || out->ts > filter->last))
		return false;
	out->id = record_id(data, big_endian, record->payload, record->size);
	if (filter->event_ids && !id_wanted(filter, out->id))
		return false;
	out->pid = record_pid(data, big_endian, record->payload, record->size);
	if (filter->pids && !pid_wanted(filter, out->pid))
		return false;
	out->payload = record->payload;
	out->size = record->size;
	return true;
}

/* Two losses in a row; one of unknown number makes the sum unknown. */
static int64_t add_missed(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* The next wanted record of the open page; false: it has no more. */
TRC_INLINE bool next_in_page(struct stream_cursor *cursor, bool big_endian)
{
	enum subbuffer_step step;
	struct record record;

	while ((step = subbuffer_next(&cursor->sub, big_endian, &record)) == SUBBUFFER_RECORD) {
		if (TRC_UNLIKELY(cursor->sub.missed)) {
			cursor->missed = add_missed(cursor->missed, cursor->sub.missed);
			cursor->sub.missed = 0;
		}
		if (TRC_LIKELY(take_record(cursor, big_endian, &record, &cursor->head))) {
			cursor->head.missed = cursor->missed;
			cursor->missed = 0;
			return true;
		}
		if (cursor->head.ts > cursor->filter->last && cursor->stream->monotone) {
			cursor->done = true;	/* all that follows is later still */
			break;
		}
	}
	if (step == SUBBUFFER_DAMAGED)
		note_page(cursor, "a record is damaged, the rest is lost");
	cursor->sub.pos = cursor->sub.end = 0;
	return false;
}

static int next_forwards(struct stream_cursor *cursor, struct trc_error *err)
{
	bool big_endian = cursor->data->layout.big_endian;

	for (;;) {
		/* One loop for each byte order, with the other's code gone from it. */
		if (big_endian ? next_in_page(cursor, true) : next_in_page(cursor, false))
			return 1;
		int rc = open_page(cursor, err);

		if (rc <= 0)
			return rc;
	}
}

static int keep_record(struct stream_cursor *cursor, const struct walk_record *record,
		       struct trc_error *err)
{
	if (cursor->record_count == cursor->record_room) {
		size_t room = cursor->record_room ? cursor->record_room * 2 : 256;
		struct walk_record *bigger = realloc(cursor->records, room * sizeof(*bigger));

		if (!bigger)
			return trc_fail_no_memory(err);
		cursor->records = bigger;
		cursor->record_room = room;
	}
	cursor->records[cursor->record_count++] = *record;
	return TRC_OK;
}

/* A page can only be read forwards: all its wanted records are kept, and given from the end. */
static int read_page(struct stream_cursor *cursor, struct trc_error *err)
{
	int rc = TRC_OK;

	cursor->missed = 0;
	while (!rc && next_in_page(cursor, cursor->data->layout.big_endian))
		rc = keep_record(cursor, &cursor->head, err);
	/* Later than wanted is where a walk backwards begins, not where it ends. */
	cursor->done = cursor->index == cursor->last;
	return rc;
}

static int next_backwards(struct stream_cursor *cursor, struct trc_error *err)
{
	while (!cursor->record_count) {
		int rc = open_page(cursor, err);

		if (rc <= 0)
			return rc;
		if ((rc = read_page(cursor, err)))
			return -rc;
	}
	cursor->head = cursor->records[--cursor->record_count];
	return 1;
}

int stream_cursor_next(struct stream_cursor *cursor, struct trc_error *err)
{
	return cursor->backwards ? next_backwards(cursor, err) : next_forwards(cursor, err);
}

/* --- bisection ------------------------------------------------------------------------------- */

/*
 * The time a page begins with. Pages without records may carry any time, so the next one with
 * records before page limit speaks for them; false: there is none.
 */
static int page_time(const struct trc_data *data, const struct stream *stream, uint64_t index,
		     uint64_t limit, struct chunk_cache *cache, uint64_t *ts, bool *found,
		     struct trc_error *err)
{
	for (*found = false; index < limit && !*found; index++) {
		struct subbuffer sub;
		struct page page;
		int rc = stream_page(data, stream, index, cache, &page, err);

		if (rc && !problem_is_bearable(rc))
			return rc;
		if (rc || !subbuffer_open(&data->layout, data->layout.big_endian, page.bytes,
					  stream->info.page_size, page.available, &sub) || !sub.end)
			continue;
		*ts = clock_ns(stream->clock, stream->info.cpu, sub.ts);
		*found = true;
	}
	return TRC_OK;
}

int stream_find_page(const struct trc_data *data, const struct stream *stream, uint64_t ts,
		     struct chunk_cache *cache, uint64_t *page, struct trc_error *err)
{
	uint64_t low = 0, high = stream->info.page_count;	/* pages before low begin before ts */

	while (low < high) {
		uint64_t middle = low + (high - low) / 2, begins = 0;
		bool found;
		int rc = page_time(data, stream, middle, high, cache, &begins, &found, err);

		if (rc)
			return rc;
		if (found && begins < ts)
			low = middle + 1;
		else
			high = middle;
	}
	*page = low ? low - 1 : 0;
	return TRC_OK;
}
