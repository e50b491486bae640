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
#include "merge_tree.h"
#include "walk.h"

#define UNPACKED_MAX (UINT64_C(1) << 30)

struct trc_walk {
	struct record_filter *filters;	/* one a cursor */
	struct stream_cursor *cursors;	/* one a source */
	uint32_t cursor_count;
	struct merge_tree tree;
	bool usual;		/* id and pid of all records are where every kernel has them */
	uint64_t pages_total;
	struct problems problems;
};

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

uint32_t walk_only_id(const uint8_t *event_ids)
{
	uint32_t only = UINT32_MAX;

	for (uint32_t at = 0; event_ids && at < TRC_EVENT_ID_BYTES; at += sizeof(uint64_t)) {
		uint64_t bits = load_u64(event_ids + at, false);

		if (!bits)
			continue;
		if (only != UINT32_MAX || bits & (bits - 1))
			return UINT32_MAX;
		for (only = 8 * at; !(bits & 1); bits >>= 1)
			only++;
	}
	return only;
}

static bool is_usual(const struct trc_data *data)
{
	const struct event_common *common = &data->common;

	return !data->layout.big_endian && common->type.offset == USUAL_TYPE.offset &&
	       common->type.size == USUAL_TYPE.size && common->pid.offset == USUAL_PID.offset &&
	       common->pid.size == USUAL_PID.size;
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
		.only_id = walk_only_id(source->event_ids),
		.pids = source->pids,
		.pid_count = source->pid_count,
		.filters = source->filters,
		.filter_count = source->filter_count,
		.filters_out = source->filters_out,
		.filter_out_count = source->filter_out_count,
		.stack_id = options->flags & TRC_WALK_BACKWARDS ? 0 : source->stack_id,
	};
	stream_cursor_init(cursor, source->data, &source->data->streams[source->stream], filter,
			   walk->cursor_count, options->flags & TRC_WALK_BACKWARDS,
			   options->flags & TRC_WALK_KEEP_MAPPED, &walk->problems);
	walk->cursor_count++;
	walk->usual &= is_usual(source->data);
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
	walk->usual = true;
	walk->cursors = calloc(count + 1, sizeof(*walk->cursors));
	walk->filters = calloc(count + 1, sizeof(*walk->filters));
	if (!walk->cursors || !walk->filters)
		rc = trc_fail_no_memory(err);
	else if (count > UINT32_MAX / 4)
		rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "walk: %zu sources are too many", count);
	else
		rc = merge_tree_init(&walk->tree, walk->cursors, (uint32_t)count,
				     options->flags & TRC_WALK_BACKWARDS,
				     options->flags & TRC_WALK_BY_CPU, err);
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
	merge_tree_deinit(&walk->tree);
	problems_deinit(&walk->problems);
	free(walk);
}

/* --- walking --------------------------------------------------------------------------------- */

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

int walk_peek(struct trc_walk *walk, struct walk_record **records, size_t *count,
	      struct trc_error *err)
{
	struct merge_node *root = merge_tree_root(&walk->tree);
	int rc;

	while ((rc = merge_tree_fill(&walk->tree, err)) == MERGE_HELD)
		merge_tree_release(&walk->tree);
	if (rc < 0)
		return -rc;
	*records = root->at;
	*count = (size_t)(root->end - root->at);
	return TRC_OK;
}

void walk_take(struct trc_walk *walk, size_t count)
{
	if (count)	/* where there was nothing yet, there is no place to move on from */
		merge_tree_root(&walk->tree)->at += count;
}

/* Copies payloads for as long as they fit; how many did. */
static size_t put_payloads(struct trc_batch *batch, const struct walk_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t size = records[i].size;

		if (size > batch->payload_room - batch->payload_size)
			return i;
		memcpy(batch->payload + batch->payload_size, records[i].payload, size);
		batch->payload_size += size;
		if (batch->payload_end)
			batch->payload_end[batch->count + i] = batch->payload_size;
	}
	return n;
}

void walk_missed(const struct trc_walk *walk, const struct walk_record *records, size_t count,
		 int64_t *missed)
{
	memset(missed, 0, count * sizeof(*missed));
	for (size_t i = 0; walk->tree.losses && i < count; i++) {
		const struct stream_cursor *cursor = &walk->cursors[records[i].source];

		if (records[i].payload == cursor->behind_loss)
			missed[i] = cursor->missed;
	}
}

TRC_INLINE void put_ids(uint32_t *restrict id, int32_t *restrict pid,
			const struct walk_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct walk_record record = records[i];

		id[i] = record_id(USUAL_TYPE, false, record.payload, record.size);
		pid[i] = record_pid(USUAL_PID, false, record.payload, record.size);
	}
}

/* Ids and pids where kernels of several kinds recorded, or one that is not usual. */
static void put_any_ids(const struct trc_walk *walk, struct trc_batch *batch,
			const struct walk_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct walk_record record = records[i];
		const struct trc_data *data = walk->cursors[record.source].data;
		bool big_endian = data->layout.big_endian;

		batch->id[batch->count + i] =
			record_id(data->common.type, big_endian, record.payload, record.size);
		batch->pid[batch->count + i] =
			record_pid(data->common.pid, big_endian, record.payload, record.size);
	}
}

static void put_records(const struct trc_walk *walk, struct trc_batch *batch,
			const struct walk_record *records, size_t n)
{
	size_t to = batch->count;

	for (size_t i = 0; i < n; i++) {
		batch->ts[to + i] = records[i].ts;
		batch->source[to + i] = records[i].source;
	}
	if (walk->usual)
		put_ids(batch->id + to, batch->pid + to, records, n);
	else
		put_any_ids(walk, batch, records, n);
	for (size_t i = 0; batch->address && i < n; i++)
		batch->address[to + i] = records[i].payload;
	for (size_t i = 0; batch->size && i < n; i++)
		batch->size[to + i] = records[i].size;
	if (batch->missed_events)
		walk_missed(walk, records, n, batch->missed_events + to);
}

/* What is at the root into the batch. 1: go on, 0: it is full. */
static int put_root(struct trc_walk *walk, struct trc_batch *batch)
{
	struct merge_node *root = merge_tree_root(&walk->tree);
	size_t room = batch->room - batch->count, n = (size_t)(root->end - root->at), fitted;

	if (n > room)
		n = room;
	fitted = batch->payload ? put_payloads(batch, root->at, n) : n;
	put_records(walk, batch, root->at, fitted);
	root->at += fitted;
	batch->count += fitted;
	return fitted == n && batch->count < batch->room;
}

static int fail_payload(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	batch->payload_size = merge_tree_root(&walk->tree)->at->size;
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
			"walk: a payload of %zu bytes does not fit", batch->payload_size);
}

int trc_walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	int rc = walk_check_files(walk, err);

	return rc ? rc : walk_next(walk, batch, err);
}

int walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	int rc = 1;

	batch->count = batch->payload_size = 0;
	while (rc > 0 && batch->room) {
		rc = merge_tree_fill(&walk->tree, err);
		if (rc == MERGE_READY) {
			rc = put_root(walk, batch);
			if (!rc && !batch->count)
				return fail_payload(walk, batch, err);
		} else if (rc == MERGE_HELD) {
			if (batch->address && batch->count)
				return TRC_OK;	/* where the next page may take the place of this one */
			merge_tree_release(&walk->tree);
		}
	}
	return rc < 0 ? -rc : TRC_OK;
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
