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
#include "walk.h"

struct head {
	uint64_t key;		/* latest time so far; backwards: its complement, so that less is first */
	uint32_t order;		/* place among the streams, backwards from the end */
	uint32_t cursor;
};

struct trc_walk {
	const struct trc_data *data;
	struct trc_walk_options options;
	struct record_filter filter;
	uint8_t *event_ids;
	int32_t *pids;
	struct stream_cursor *cursors;
	uint32_t *stream_of;	/* of each cursor */
	uint32_t cursor_count;
	struct head *heap;	/* least first: of cursors that stand on a record */
	uint32_t heap_count;
	bool started;
	uint64_t pages_total;
	struct problems problems;
};

/* --- heap ------------------------------------------------------------------------------------ */

TRC_INLINE bool head_less(const struct head *a, const struct head *b)
{
	return a->key < b->key || (a->key == b->key && a->order < b->order);
}

static void sift_down(struct trc_walk *walk, uint32_t at)
{
	struct head moving = walk->heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= walk->heap_count)
			break;
		if (child + 1 < walk->heap_count && head_less(&walk->heap[child + 1], &walk->heap[child]))
			child++;
		if (!head_less(&walk->heap[child], &moving))
			break;
		walk->heap[at] = walk->heap[child];
		at = child;
	}
	walk->heap[at] = moving;
}

/* The head that comes second; NULL: there is only one. */
static const struct head *second(const struct trc_walk *walk)
{
	if (walk->heap_count < 2)
		return NULL;
	if (walk->heap_count > 2 && head_less(&walk->heap[2], &walk->heap[1]))
		return &walk->heap[2];
	return &walk->heap[1];
}

/* A time as a key is exclusive-or'ed with this: backwards, less is later. */
static uint64_t key_flip(const struct trc_walk *walk)
{
	return walk->options.flags & TRC_WALK_BACKWARDS ? UINT64_MAX : 0;
}

static uint64_t first_key(const struct trc_walk *walk, const struct stream_cursor *cursor)
{
	/* Without a merge only the order of the streams counts. */
	return walk->options.flags & TRC_WALK_BY_CPU ? 0 : cursor->block.ts[0] ^ key_flip(walk);
}

/* --- making a walk --------------------------------------------------------------------------- */

/* A cursor begins at the page where its first record can be, where time is known to rise. */
static int seek(struct trc_walk *walk, struct stream_cursor *cursor, struct trc_error *err)
{
	const struct record_filter *filter = &walk->filter;
	const struct stream *stream = cursor->stream;
	uint64_t page;
	int rc;

	if (!stream->monotone)
		return TRC_OK;
	if (filter->start) {
		rc = stream_find_page(walk->data, stream, filter->start, &cursor->cache, &page, err);
		if (rc)
			return rc;
		*(cursor->backwards ? &cursor->last : &cursor->next) = page;
	}
	if (filter->last != UINT64_MAX) {
		rc = stream_find_page(walk->data, stream, filter->last + 1, &cursor->cache, &page, err);
		if (rc)
			return rc;
		*(cursor->backwards ? &cursor->next : &cursor->last) = page;
	}
	return TRC_OK;
}

static int copy_filter(struct trc_walk *walk, const struct trc_walk_options *options,
		       struct trc_error *err)
{
	walk->filter.start = options->start;
	walk->filter.last = options->until_last ? UINT64_MAX : options->end - 1;
	if (options->event_ids) {
		walk->event_ids = malloc(8192);
		if (!walk->event_ids)
			return trc_fail_no_memory(err);
		memcpy(walk->event_ids, options->event_ids, 8192);
		walk->filter.event_ids = walk->event_ids;
	}
	if (options->pids) {
		size_t size = options->pid_count * sizeof(*walk->pids);

		walk->pids = malloc(size ? size : 1);
		if (!walk->pids)
			return trc_fail_no_memory(err);
		memcpy(walk->pids, options->pids, size);
		walk->filter.pids = walk->pids;
		walk->filter.pid_count = options->pid_count;
	}
	return TRC_OK;
}

static int make_cursors(struct trc_walk *walk, const struct trc_walk_options *options,
			struct trc_error *err)
{
	uint32_t count = options->streams ? options->stream_count : (uint32_t)walk->data->stream_count;

	walk->cursors = calloc(count + (size_t)1, sizeof(*walk->cursors));
	walk->stream_of = calloc(count + (size_t)1, sizeof(*walk->stream_of));
	walk->heap = calloc(count + (size_t)1, sizeof(*walk->heap));
	if (!walk->cursors || !walk->stream_of || !walk->heap)
		return trc_fail_no_memory(err);
	/* Nothing lies between start and end: no cursor is needed to find that out. */
	if (!options->until_last && options->end <= options->start)
		return TRC_OK;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t stream = options->streams ? options->streams[i] : i;
		struct stream_cursor *cursor = &walk->cursors[i];
		int rc;

		if (stream >= walk->data->stream_count)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "walk: there is no stream %u", stream);
		walk->stream_of[i] = stream;
		stream_cursor_init(cursor, walk->data, &walk->data->streams[stream], &walk->filter,
				   options->flags & TRC_WALK_BACKWARDS,
				   !(options->flags & TRC_WALK_KEEP_MAPPED), &walk->problems);
		walk->cursor_count++;
		if ((rc = seek(walk, cursor, err)))
			return rc;
		walk->pages_total += (cursor->last > cursor->next ? cursor->last - cursor->next :
								     cursor->next - cursor->last) + 1;
	}
	return TRC_OK;
}

int trc_walk_create(const struct trc_data *data, const struct trc_walk_options *options,
		    struct trc_walk **out, struct trc_error *err)
{
	struct trc_walk *walk;
	int rc = map_check(&data->file->map, err);

	if (rc)
		return rc;
	walk = calloc(1, sizeof(*walk));
	if (!walk)
		return trc_fail_no_memory(err);
	walk->data = data;
	walk->options.flags = options->flags;
	if ((rc = copy_filter(walk, options, err)) || (rc = make_cursors(walk, options, err))) {
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
	free(walk->stream_of);
	free(walk->heap);
	free(walk->event_ids);
	free(walk->pids);
	problems_deinit(&walk->problems);
	free(walk);
}

/* --- walking --------------------------------------------------------------------------------- */

/* All cursors to their first records, and into the heap. */
static int start(struct trc_walk *walk, struct trc_error *err)
{
	bool backwards = walk->options.flags & TRC_WALK_BACKWARDS;

	for (uint32_t i = 0; i < walk->cursor_count; i++) {
		int rc = stream_cursor_next_page(&walk->cursors[i], err);

		if (rc < 0)
			return -rc;
		if (rc)
			walk->heap[walk->heap_count++] = (struct head){
				.key = first_key(walk, &walk->cursors[i]),
				.order = backwards ? walk->cursor_count - 1 - i : i,
				.cursor = i,
			};
	}
	for (uint32_t i = walk->heap_count / 2; i-- > 0;)
		sift_down(walk, i);
	walk->started = true;
	return TRC_OK;
}

/* Up to which key the first head stays first: at least its own. */
static uint64_t run_limit(const struct trc_walk *walk)
{
	const struct head *next = second(walk);

	if (!next || walk->options.flags & TRC_WALK_BY_CPU)
		return UINT64_MAX;
	return walk->heap[0].order < next->order ? next->key : next->key - 1;
}

/*
 * How many of at most max records at the cursor come before all other streams'. Time that steps
 * back does not end a run. *key becomes the latest of them.
 */
static size_t run_length(const struct stream_cursor *cursor, size_t max, uint64_t flip,
			 uint64_t limit, uint64_t *key)
{
	const uint64_t *ts = cursor->block.ts + cursor->at;
	size_t n = 0;

	for (; n < max; n++) {
		uint64_t k = ts[n] ^ flip;

		if (k > limit)
			break;
		if (k > *key)
			*key = k;
	}
	return n;
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

/* Appends n records at the cursor to the batch; how many did fit. */
TRC_INLINE size_t put(struct trc_batch *batch, uint32_t stream, struct stream_cursor *cursor,
		      size_t n)
{
	const struct record_block *block = &cursor->block;
	size_t from = cursor->at, to = batch->count;

	if (batch->payload)
		n = put_payloads(batch, cursor, n);
	for (size_t i = 0; i < n; i++) {
		batch->ts[to + i] = block->ts[from + i];
		batch->stream[to + i] = stream;
		batch->id[to + i] = block->id[from + i];
		batch->pid[to + i] = block->pid[from + i];
	}
	for (size_t i = 0; batch->size && i < n; i++)
		batch->size[to + i] = block->size[from + i];
	for (size_t i = 0; batch->missed_events && i < n; i++)
		batch->missed_events[to + i] = from + i ? 0 : cursor->missed;
	batch->count += n;
	cursor->at += n;
	return n;
}

/*
 * Takes records from the first stream for as long as it stays the first: mostly there are several
 * in a row, and then the heap need not be touched. 1: go on, 0: the batch is full, or minus a code.
 */
static int take_run(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	bool by_cpu = walk->options.flags & TRC_WALK_BY_CPU, full, ended;
	struct head *first = &walk->heap[0];
	struct stream_cursor *cursor = &walk->cursors[first->cursor];
	uint64_t limit = run_limit(walk), flip = key_flip(walk), latest = first->key;

	if (limit < first->key)
		limit = first->key;	/* of two with one key, the first in order is here */
	do {
		size_t left = cursor->block.count - cursor->at, room = batch->room - batch->count, n;
		int rc;

		n = run_length(cursor, left < room ? left : room, flip, limit, &latest);
		full = put(batch, walk->stream_of[first->cursor], cursor, n) < n ||
		       batch->count == batch->room;
		ended = cursor->at < cursor->block.count;
		if (ended || (rc = stream_cursor_next_page(cursor, err)) > 0)
			continue;
		if (rc < 0)
			return rc;
		*first = walk->heap[--walk->heap_count];
		if (walk->heap_count)
			sift_down(walk, 0);
		return full ? 0 : 1;
	} while (!full && !ended);
	if (!by_cpu) {
		uint64_t key = cursor->block.ts[cursor->at] ^ flip;

		first->key = key > latest ? key : latest;
	}
	sift_down(walk, 0);
	return full ? 0 : 1;
}

int trc_walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	int rc = map_check(&walk->data->file->map, err);

	if (rc)
		return rc;
	batch->count = batch->payload_size = 0;
	if (!walk->started && (rc = start(walk, err)))
		return rc;
	rc = 1;
	while (rc > 0 && walk->heap_count)
		rc = take_run(walk, batch, err);
	if (rc < 0)
		return -rc;
	if (walk->heap_count && !batch->count && batch->room) {
		const struct stream_cursor *cursor = &walk->cursors[walk->heap[0].cursor];

		batch->payload_size = cursor->block.size[cursor->at];
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"walk: a payload of %zu bytes does not fit", batch->payload_size);
	}
	return TRC_OK;
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
