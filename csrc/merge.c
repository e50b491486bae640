/* SPDX-License-Identifier: MIT */
/*
 * Streams in time order, in batches. The order is libtracecmd's: at each step the stream whose
 * next record is earliest goes first, of equal ones the first in the order of streams.
 *
 * Where time steps back inside a stream, a record therefore comes right behind the latest one
 * before it. The latest time so far is thus the key of the merge; with it a filter picks the same
 * records in the same order as picking from the whole merge would.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "tournament.h"
#include "walk.h"

#define UNPACKED_MAX (UINT64_C(1) << 30)

struct trc_walk {
	uint32_t flags;		/* enum trc_walk_flags */
	struct record_filter *filters;	/* one a cursor */
	struct stream_cursor *cursors;	/* one a source */
	uint32_t cursor_count;
	/*
	 * The record each cursor stands on. Keys are the latest time so far; backwards its complement,
	 * and the order is from the end, so that less always comes first.
	 */
	struct tournament heads;
	bool started;
	uint64_t pages_total;
	struct problems problems;
};

/* --- keys ----------------------------------------------------------------------------------- */

/* A time as a key is exclusive-or'ed with this: backwards, less is later. */
static uint64_t key_flip(const struct trc_walk *walk)
{
	return walk->flags & TRC_WALK_BACKWARDS ? UINT64_MAX : 0;
}

static uint64_t first_key(const struct trc_walk *walk, const struct stream_cursor *cursor)
{
	/* Without a merge only the order of the streams counts. */
	return walk->flags & TRC_WALK_BY_CPU ? 0 : cursor->block.ts[0] ^ key_flip(walk);
}

/* --- making a walk --------------------------------------------------------------------------- */

/* A cursor begins at the page where its first record can be, where time is known to rise. */
static int seek(struct stream_cursor *cursor, struct trc_error *err)
{
	const struct record_filter *filter = cursor->filter;
	const struct stream *stream = cursor->stream;
	uint64_t page;
	int rc;

	if (!stream->monotone)
		return TRC_OK;
	if (filter->start) {
		rc = stream_find_page(cursor->data, stream, filter->start, &cursor->cache, &page, err);
		if (rc)
			return rc;
		*(cursor->backwards ? &cursor->last : &cursor->next) = page;
	}
	if (filter->last != UINT64_MAX) {
		rc = stream_find_page(cursor->data, stream, filter->last + 1, &cursor->cache, &page, err);
		if (rc)
			return rc;
		*(cursor->backwards ? &cursor->next : &cursor->last) = page;
	}
	return TRC_OK;
}

static int add_cursor(struct trc_walk *walk, const struct trc_walk_source *source,
		      const struct trc_walk_options *options, struct trc_error *err)
{
	struct stream_cursor *cursor = &walk->cursors[walk->cursor_count];
	struct record_filter *filter = &walk->filters[walk->cursor_count];
	uint64_t pages;
	int rc;

	if (source->stream >= source->data->stream_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "walk: there is no stream %zu",
				source->stream);
	*filter = (struct record_filter){
		.start = options->start,
		.last = options->until_last ? UINT64_MAX : options->end - 1,
		.event_ids = source->event_ids,
		.pids = source->pids,
		.pid_count = source->pid_count,
		.filters = source->filters,
		.filter_count = source->filter_count,
		.filters_out = source->filters_out,
		.filter_out_count = source->filter_out_count,
		.stack_id = options->flags & TRC_WALK_BACKWARDS ? 0 : source->stack_id,
	};
	stream_cursor_init(cursor, source->data, &source->data->streams[source->stream], filter,
			   options->flags & TRC_WALK_BACKWARDS,
			   !(options->flags & TRC_WALK_KEEP_MAPPED), &walk->problems);
	walk->cursor_count++;
	if ((rc = map_check(&source->data->file->map, err)) || (rc = seek(cursor, err)))
		return rc;
	pages = cursor->last > cursor->next ? cursor->last - cursor->next : cursor->next - cursor->last;
	walk->pages_total += pages + 1;
	return TRC_OK;
}

/*
 * Each compressed stream of a walk keeps a chunk unpacked. Writers make chunks of 10 pages, so that
 * is little; a file made to fill memory is refused.
 */
static int check_memory(const struct trc_walk_source *sources, size_t count, struct trc_error *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		const struct trc_data *data = sources[i].data;

		if (sources[i].stream < data->stream_count)
			sum += data->streams[sources[i].stream].chunk_max;
	}
	if (sum <= UNPACKED_MAX)
		return TRC_OK;
	return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET,
			"walk: %zu streams hold %" PRIu64 " bytes unpacked, %" PRIu64 " is the limit", count, sum,
			UNPACKED_MAX);
}

int trc_walk_create(const struct trc_walk_source *sources, size_t count,
		    const struct trc_walk_options *options, struct trc_walk **out,
		    struct trc_error *err)
{
	struct trc_walk *walk = calloc(1, sizeof(*walk));
	int rc = TRC_OK;

	if (!walk)
		return trc_fail_no_memory(err);
	/* Where nothing lies between start and end, no cursor is needed to find that out. */
	if (!options->until_last && options->end <= options->start)
		count = 0;
	walk->flags = options->flags;
	walk->cursors = calloc(count + 1, sizeof(*walk->cursors));
	walk->filters = calloc(count + 1, sizeof(*walk->filters));
	if (!walk->cursors || !walk->filters)
		rc = trc_fail_no_memory(err);
	else if (count > UINT32_MAX / 4)
		rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "walk: %zu sources are too many", count);
	else
		rc = tournament_init(&walk->heads, (uint32_t)count, err);
	if (!rc)
		rc = check_memory(sources, count, err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = add_cursor(walk, &sources[i], options, err);
	if (rc) {
		trc_walk_destroy(walk);
		return rc;
	}
	*out = walk;
	return TRC_OK;
}

void trc_walk_destroy(struct trc_walk *walk)
{
	if (!walk)
		return;
	for (uint32_t i = 0; i < walk->cursor_count; i++)
		stream_cursor_deinit(&walk->cursors[i]);
	free(walk->cursors);
	free(walk->filters);
	tournament_deinit(&walk->heads);
	problems_deinit(&walk->problems);
	free(walk);
}

/* --- walking --------------------------------------------------------------------------------- */

/* All cursors to their first records. */
static int start(struct trc_walk *walk, struct trc_error *err)
{
	bool backwards = walk->flags & TRC_WALK_BACKWARDS;

	for (uint32_t i = 0; i < walk->cursor_count; i++) {
		int rc = stream_cursor_next_page(&walk->cursors[i], err);

		if (rc < 0)
			return -rc;
		if (rc)
			walk->heads.heads[i] = (struct head){
				.key = first_key(walk, &walk->cursors[i]),
				.order = backwards ? walk->cursor_count - 1 - i : i,
			};
	}
	tournament_play(&walk->heads);
	walk->started = true;
	return TRC_OK;
}

/* Up to which key the first head stays first: at least its own. */
static uint64_t run_limit(const struct trc_walk *walk)
{
	struct head first = walk->heads.heads[walk->heads.first];
	struct head next = tournament_second(&walk->heads);
	uint64_t limit = first.order < next.order ? next.key : next.key - 1;

	if (head_is_gone(next) || walk->flags & TRC_WALK_BY_CPU)
		return UINT64_MAX;
	return limit < first.key ? first.key : limit;	/* of two with one key the first is here */
}

/* Copies payloads for as long as they fit; how many did. */
static size_t put_payloads(struct trc_batch *batch, const struct stream_cursor *cursor, size_t n)
{
	const struct record_block *block = &cursor->block;

	for (size_t i = 0; i < n; i++) {
		uint32_t size = block->size[cursor->at + i];

		if (size > batch->payload_room - batch->payload_size)
			return i;
		memcpy(batch->payload + batch->payload_size,
		       cursor->page.bytes + block->offset[cursor->at + i], size);
		batch->payload_size += size;
		if (batch->payload_end)
			batch->payload_end[batch->count + i] = batch->payload_size;
	}
	return n;
}

/* The columns that few ask for, of n records that the others were taken of. */
static void put_more(struct trc_batch *batch, const struct stream_cursor *cursor, size_t n)
{
	const struct record_block *block = &cursor->block;
	size_t from = cursor->at, to = batch->count;
	size_t earliest = cursor->backwards ? block->count - 1 : 0;

	for (size_t i = 0; batch->address && i < n; i++)
		batch->address[to + i] = cursor->page.bytes + block->offset[from + i];
	for (size_t i = 0; batch->size && i < n; i++)
		batch->size[to + i] = block->size[from + i];
	for (size_t i = 0; batch->missed_events && i < n; i++)
		batch->missed_events[to + i] = from + i == earliest ? cursor->missed : 0;
}

/*
 * Appends at most max records at the cursor to the batch, as many as come before all other streams'.
 * Time that steps back does not end a run. *latest becomes the latest key of them. A single pass, as
 * runs are short: there are about as many as records and CPUs.
 */
static size_t take_records(struct trc_batch *batch, uint32_t source,
			   const struct stream_cursor *cursor, size_t max, uint64_t flip,
			   uint64_t limit, uint64_t *latest)
{
	const struct record_block *block = &cursor->block;
	const uint64_t *ts = block->ts + cursor->at;
	const uint32_t *id = block->id + cursor->at;
	const int32_t *pid = block->pid + cursor->at;
	uint64_t *restrict to_ts = batch->ts + batch->count;
	uint32_t *restrict to_source = batch->source + batch->count;
	uint32_t *restrict to_id = batch->id + batch->count;
	int32_t *restrict to_pid = batch->pid + batch->count;
	uint64_t last = *latest;
	size_t n;

	for (n = 0; n < max; n++) {
		uint64_t key = ts[n] ^ flip;

		if (key > limit)
			break;
		last = key > last ? key : last;
		to_ts[n] = ts[n];
		to_source[n] = source;
		to_id[n] = id[n];
		to_pid[n] = pid[n];
	}
	*latest = last;
	return n;
}

/*
 * Takes records from the first stream for as long as it stays the first: mostly there are several
 * in a row. 1: go on, 0: the batch is full, or minus a code.
 */
static int take_run(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	uint32_t source = walk->heads.first;
	struct head *first = &walk->heads.heads[source];
	struct stream_cursor *cursor = &walk->cursors[source];
	uint64_t limit = run_limit(walk), flip = key_flip(walk), latest = first->key;
	bool by_cpu = walk->flags & TRC_WALK_BY_CPU, full, ended;
	bool more = batch->address || batch->size || batch->missed_events;

	do {
		size_t left = cursor->block.count - cursor->at, room = batch->room - batch->count;
		size_t n, fitted;
		int rc;

		n = take_records(batch, source, cursor, left < room ? left : room, flip, limit, &latest);
		fitted = batch->payload ? put_payloads(batch, cursor, n) : n;
		if (more)
			put_more(batch, cursor, fitted);
		cursor->at += fitted;
		batch->count += fitted;
		full = fitted < n || batch->count == batch->room;
		ended = cursor->at < cursor->block.count;
		if (ended)
			break;
		if (batch->address && cursor->stream->compressed && batch->count) {
			if (!by_cpu)
				first->key = latest;
			return 0;	/* the next page may take the place of this one */
		}
		if ((rc = stream_cursor_next_page(cursor, err)) < 0)
			return rc;
		if (!rc) {
			*first = HEAD_GONE;
			tournament_replay(&walk->heads);
			return full ? 0 : 1;
		}
	} while (!full);
	if (!by_cpu) {
		uint64_t key = cursor->block.ts[cursor->at] ^ flip;

		first->key = key > latest ? key : latest;
	}
	tournament_replay(&walk->heads);
	return full ? 0 : 1;
}

static bool at_end(const struct trc_walk *walk)
{
	return head_is_gone(walk->heads.heads[walk->heads.first]);
}

/* No file may have shrunk since. Sources of one file stand together mostly. */
int walk_check_files(const struct trc_walk *walk, struct trc_error *err)
{
	const struct trc_file *checked = NULL;

	for (uint32_t i = 0; i < walk->cursor_count; i++) {
		const struct trc_file *file = walk->cursors[i].data->file;
		int rc = file == checked ? TRC_OK : map_check(&file->map, err);

		if (rc)
			return rc;
		checked = file;
	}
	return TRC_OK;
}

int trc_walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	int rc = walk_check_files(walk, err);

	return rc ? rc : walk_next(walk, batch, err);
}

int walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	int rc;

	batch->count = batch->payload_size = 0;
	if (!walk->started && (rc = start(walk, err)))
		return rc;
	rc = 1;
	while (rc > 0 && !at_end(walk))
		rc = take_run(walk, batch, err);
	if (rc < 0)
		return -rc;
	if (!at_end(walk) && !batch->count && batch->room) {
		const struct stream_cursor *cursor = &walk->cursors[walk->heads.first];

		batch->payload_size = cursor->block.size[cursor->at];
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"walk: a payload of %zu bytes does not fit", batch->payload_size);
	}
	return TRC_OK;
}

int64_t trc_walk_missed(const struct trc_walk *walk, size_t source)
{
	return source < walk->cursor_count ? walk->cursors[source].missed : 0;
}

size_t trc_walk_problem_count(const struct trc_walk *walk)
{
	return problems_count(&walk->problems);
}

int trc_walk_problem(const struct trc_walk *walk, size_t index, struct trc_error *problem)
{
	return problems_get(&walk->problems, index, problem);
}

void trc_walk_progress(const struct trc_walk *walk, uint64_t *done, uint64_t *total)
{
	*done = 0;
	for (uint32_t i = 0; i < walk->cursor_count; i++)
		*done += walk->cursors[i].pages_read;
	*total = walk->pages_total;
}
