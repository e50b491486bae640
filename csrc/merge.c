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
	uint32_t flags;		/* enum trc_walk_flags */
	struct record_filter *filters;	/* one a cursor */
	struct stream_cursor *cursors;	/* one a source */
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
	walk->heap = calloc(count + 1, sizeof(*walk->heap));
	if (!walk->cursors || !walk->filters || !walk->heap)
		rc = trc_fail_no_memory(err);
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
	free(walk->heap);
	problems_deinit(&walk->problems);
	free(walk);
}

/* --- walking --------------------------------------------------------------------------------- */

/* All cursors to their first records, and into the heap. */
static int start(struct trc_walk *walk, struct trc_error *err)
{
	bool backwards = walk->flags & TRC_WALK_BACKWARDS;

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

	if (!next || walk->flags & TRC_WALK_BY_CPU)
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
TRC_INLINE size_t put(struct trc_batch *batch, uint32_t source, struct stream_cursor *cursor,
		      size_t n)
{
	const struct record_block *block = &cursor->block;
	size_t from = cursor->at, to = batch->count;

	if (batch->payload)
		n = put_payloads(batch, cursor, n);
	for (size_t i = 0; i < n; i++) {
		batch->ts[to + i] = block->ts[from + i];
		batch->source[to + i] = source;
		batch->id[to + i] = block->id[from + i];
		batch->pid[to + i] = block->pid[from + i];
	}
	for (size_t i = 0; batch->address && i < n; i++)
		batch->address[to + i] = cursor->page.bytes + block->offset[from + i];
	for (size_t i = 0; batch->size && i < n; i++)
		batch->size[to + i] = block->size[from + i];
	if (batch->missed_events) {
		size_t earliest = cursor->backwards ? block->count - 1 : 0;

		for (size_t i = 0; i < n; i++)
			batch->missed_events[to + i] = from + i == earliest ? cursor->missed : 0;
	}
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
	bool by_cpu = walk->flags & TRC_WALK_BY_CPU, full, ended;
	struct head *first = &walk->heap[0];
	struct stream_cursor *cursor = &walk->cursors[first->cursor];
	uint64_t limit = run_limit(walk), flip = key_flip(walk), latest = first->key;

	if (limit < first->key)
		limit = first->key;	/* of two with one key, the first in order is here */
	do {
		size_t left = cursor->block.count - cursor->at, room = batch->room - batch->count, n;
		int rc;

		n = run_length(cursor, left < room ? left : room, flip, limit, &latest);
		full = put(batch, first->cursor, cursor, n) < n ||
		       batch->count == batch->room;
		ended = cursor->at < cursor->block.count;
		if (!ended && batch->address && cursor->stream->compressed && batch->count) {
			if (!by_cpu)
				first->key = latest;
			return 0;	/* the next page may take the place of this one */
		}
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
