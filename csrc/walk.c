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
	free(cursor->block.ts);
}

/* --- pages ----------------------------------------------------------------------------------- */

/*
 * The window before the one that ends here goes. Not the one that ends: of its last pages the caller
 * may have addresses of records, and pages touched again would stay.
 */
static void drop(const struct stream_cursor *cursor, uint64_t window)
{
	const struct map *map = &cursor->data->file->map;
	uint64_t begin = cursor->stream->offset, end = begin + cursor->stream->size;

	if (!cursor->populated || cursor->populated == UINT64_MAX)
		return;
	if (!cursor->backwards && cursor->populated - begin >= 2 * window)
		map_drop(map, cursor->populated - 2 * window, window);
	else if (cursor->backwards && end - cursor->populated >= 2 * window)
		map_drop(map, cursor->populated + window, window);
}

/* Uncompressed: the window that begins with the open page comes in, one behind it goes. */
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
	if (cursor->drop_behind)
		drop(cursor, window);
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
static int open_page(struct stream_cursor *cursor, struct subbuffer *sub, struct trc_error *err)
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
				   cursor->page.available, sub))
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

TRC_INLINE bool id_wanted(const uint8_t *event_ids, uint32_t id)
{
	return id < 65536 && (event_ids[id >> 3] >> (id & 7) & 1);
}

/* Room for as many records as a page of so many bytes can hold: 4 bytes and a word of data each. */
static int block_reserve(struct record_block *block, uint32_t bytes, struct trc_error *err)
{
	size_t room = bytes / 8 + 1;
	uint64_t *ts;

	block->count = 0;
	if (room <= block->room)
		return TRC_OK;
	ts = malloc(room * (sizeof(*block->ts) + 4 * sizeof(uint32_t)));
	if (!ts)
		return trc_fail_no_memory(err);
	free(block->ts);
	block->ts = ts;
	block->id = (uint32_t *)(void *)(ts + room);
	block->pid = (int32_t *)(void *)(block->id + room);
	block->offset = (uint32_t *)(void *)(block->pid + room);
	block->size = block->offset + room;
	block->room = room;
	return TRC_OK;
}

/*
 * Records of a page into the block, all or those of some events (NULL: all), whatever else the filter
 * says: with constants for byte order and places this is nothing but loads and stores. What is not
 * wanted is stored, too, and written over, as there is no telling which it will be. Damage ends the page.
 */
TRC_INLINE enum subbuffer_step read_records(const struct stream_cursor *cursor, bool big_endian,
					    const uint8_t *event_ids, struct event_place type,
					    struct event_place pid, struct subbuffer sub,
					    struct record_block *block)
{
	const uint8_t *bytes = cursor->page.bytes;
	struct record_block to = *block;
	enum subbuffer_step step;
	struct record record;
	size_t n = 0;

	while ((step = subbuffer_next(&sub, big_endian, &record)) == SUBBUFFER_RECORD) {
		uint32_t id = record_id(type, big_endian, record.payload, record.size);

		to.ts[n] = record.ts;
		to.id[n] = id;
		to.pid[n] = record_pid(pid, big_endian, record.payload, record.size);
		to.offset[n] = (uint32_t)(record.payload - bytes);
		to.size[n] = record.size;
		n += event_ids ? id_wanted(event_ids, id) : 1;
	}
	block->count = n;
	return step;
}

static enum subbuffer_step read_any_records(const struct stream_cursor *cursor,
					    struct subbuffer sub, struct record_block *block)
{
	const uint8_t *ids = cursor->filter->event_ids;
	struct event_place type = cursor->data->common.type, pid = cursor->data->common.pid;
	bool usual = type.offset == USUAL_TYPE.offset && type.size == USUAL_TYPE.size &&
		     pid.offset == USUAL_PID.offset && pid.size == USUAL_PID.size;

	if (cursor->data->layout.big_endian)
		return read_records(cursor, true, ids, type, pid, sub, block);
	if (!usual)
		return read_records(cursor, false, ids, type, pid, sub, block);
	return ids ? read_records(cursor, false, ids, USUAL_TYPE, USUAL_PID, sub, block) :
		     read_records(cursor, false, NULL, USUAL_TYPE, USUAL_PID, sub, block);
}

/* Raw time stamps to the time users see. */
static void convert_times(const struct stream_cursor *cursor, struct record_block *block)
{
	const struct clock clock = *cursor->stream->clock;
	uint32_t cpu = cursor->stream->info.cpu;

	if (!clock.shift && !clock.mult && clock.ts2secs == 0) {
		for (size_t i = 0; clock.offset && i < block->count; i++)
			block->ts[i] += clock.offset;
		return;
	}
	for (size_t i = 0; i < block->count; i++)
		block->ts[i] = clock_ns(&clock, cpu, block->ts[i]);
}

/* Leaves the wanted records in the block; events were chosen as the page was read. */
static void filter_records(struct stream_cursor *cursor, struct record_block *block)
{
	const struct record_filter *filter = cursor->filter;
	size_t kept = 0;

	if (!filter->start && filter->last == UINT64_MAX && !filter->pids)
		return;
	for (size_t i = 0; i < block->count; i++) {
		if (block->ts[i] < filter->start || block->ts[i] > filter->last ||
		    (filter->pids && !pid_wanted(filter, block->pid[i])))
			continue;
		if (kept != i)
			record_block_move(block, kept, i);
		kept++;
	}
	block->count = kept;
}

static void swap_records(struct record_block *block, size_t a, size_t b)
{
	uint64_t ts = block->ts[a];
	uint32_t id = block->id[a], offset = block->offset[a], size = block->size[a];
	int32_t pid = block->pid[a];

	record_block_move(block, a, b);
	block->ts[b] = ts;
	block->id[b] = id;
	block->pid[b] = pid;
	block->offset[b] = offset;
	block->size[b] = size;
}

/* A loss was before the page's first record, and counts where that is in the wanted time. */
static bool begins_in_time(const struct stream_cursor *cursor, struct subbuffer sub)
{
	struct record record;
	uint64_t ts;

	if (subbuffer_next(&sub, cursor->data->layout.big_endian, &record) != SUBBUFFER_RECORD)
		return false;
	ts = clock_ns(cursor->stream->clock, cursor->stream->info.cpu, record.ts);
	return ts >= cursor->filter->start && ts <= cursor->filter->last;
}

/* The open page's records into the block. */
static int read_page(struct stream_cursor *cursor, const struct subbuffer *sub,
		     struct trc_error *err)
{
	struct record_block *block = &cursor->block;
	int rc = block_reserve(block, sub->end, err);

	if (rc)
		return rc;
	if (read_any_records(cursor, *sub, block) == SUBBUFFER_DAMAGED)
		note_page(cursor, "a record is damaged, the rest is lost");
	convert_times(cursor, block);
	if (TRC_UNLIKELY(sub->missed) && begins_in_time(cursor, *sub))
		cursor->missed = add_missed(cursor->missed, sub->missed);
	filter_records(cursor, block);
	if ((cursor->filter->filter_count || cursor->filter->filter_out_count) &&
	    (rc = walk_filter_block(cursor, err)))
		return rc;
	for (size_t i = 0; cursor->backwards && i < block->count / 2; i++)
		swap_records(block, i, block->count - 1 - i);
	return TRC_OK;
}

int stream_cursor_next_page(struct stream_cursor *cursor, struct trc_error *err)
{
	struct subbuffer sub;

	cursor->at = 0;
	if (cursor->block.count || cursor->backwards)
		cursor->missed = 0;	/* told of with the block before */
	cursor->block.count = 0;
	for (;;) {
		int rc = open_page(cursor, &sub, err);

		if (rc <= 0)
			return rc;
		if ((rc = read_page(cursor, &sub, err)))
			return -rc;
		if (cursor->block.count)
			return 1;
	}
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

/* --- public ---------------------------------------------------------------------------------- */

int trc_stream_page_ts(const struct trc_data *data, size_t index, uint64_t page, uint64_t *ts,
		       struct trc_error *err)
{
	struct chunk_cache cache = chunk_cache_of(data);
	const struct stream *stream;
	uint64_t found_ts;
	bool found;
	int rc = map_check(&data->file->map, err);

	if (rc)
		return rc;
	if (index >= data->stream_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "page time: there is no stream %zu", index);
	stream = &data->streams[index];
	rc = page_time(data, stream, page, stream->info.page_count, &cache, &found_ts, &found, err);
	chunk_cache_deinit(&cache);
	if (!rc && !found)
		rc = trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "page time: no records from page %" PRIu64 " on",
			      page);
	if (!rc)
		*ts = found_ts;
	return rc;
}

int trc_stream_is_monotone(const struct trc_data *data, size_t stream)
{
	return stream < data->stream_count && data->streams[stream].monotone;
}
