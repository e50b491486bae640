/* SPDX-License-Identifier: MIT */
/*
 * Streams in time order, in batches. The order is libtracecmd's: at each step the stream whose
 * next record is earliest goes first, of equal ones the first in the order of streams.
 *
 * Where time steps back inside a stream, a record therefore comes right after the latest one
 * before it. The latest time so far is thus the key of the merge; with it a filter picks the same
 * records in the same order as picking from the whole merge would.
 */
#include "records/walk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"
#include "records/api.h"
#include "records/merge_tree.h"
#include "records/page_search.h"

#define CURSOR_BYTES (sizeof(struct stream_cursor) + sizeof(struct record_filter))

/* Each file has its own, so that one of nothing but faults does not hide another's. */
struct file_problems {
	const struct trc_file *file;
	struct problems problems;
};

/*
 * How much of a file that is not mapped is read at once. Each stream of a walk has memory for it: little
 * enough for the cache, and less where there are very many.
 */
#define READ_STEP (UINT64_C(256) << 10)
#define READ_STEPS (UINT64_C(64) << 20)

/*
 * How many bytes of pages a call goes through before it comes back, with records or without: at a
 * gigabyte a second and more a matter of milliseconds. Tests are built with less.
 */
#ifndef WALK_STINT
#define WALK_STINT (UINT64_C(16) << 20)
#endif

struct trc_walk {
	struct record_filter *filters; /* one a cursor */
	struct stream_cursor *cursors; /* one a source */
	uint32_t cursor_count;
	struct merge_tree tree;
	bool usual;	/* id and pid of all records are where every kernel has them */
	uint64_t stint; /* bytes of pages to be read yet in this call */
	uint64_t pages_total;
	struct file_problems *files; /* those that sources are of */
	size_t file_count;
};

/* --- making a walk --------------------------------------------------------------------------- */

/* Moves one end of a cursor to the page where ts is, unless finding it takes too much. */
static int seek_end(struct stream_cursor *cursor, uint64_t ts, bool later, uint64_t *end,
		    struct trc_error *err)
{
	struct trc_error fault;
	uint64_t page;
	int rc = stream_find_page(cursor->data, cursor->stream, ts, later, &cursor->cache, &page, &fault);

	if (!rc)
		/* One more, so that the walk sees whether the page before ends where this one begins. */
		*end = page && !later ? page - 1 : page;
	else if (rc == TRC_LIMIT)
		rc = TRC_OK;
	else if (err)
		*err = fault;
	return rc;
}

static int seek_pages(struct stream_cursor *cursor, struct trc_error *err)
{
	const struct record_filter *filter = cursor->filter;
	int rc = TRC_OK;

	if (filter->start)
		rc = seek_end(cursor, filter->start, false, cursor->backwards ? &cursor->last : &cursor->next,
			      err);
	if (!rc && filter->last != UINT64_MAX)
		rc = seek_end(cursor, filter->last + 1, true,
			      cursor->backwards ? &cursor->next : &cursor->last, err);
	/* One more, so that the walk sees whether something was lost before it. */
	if (filter->gaps && cursor->last + 1 < cursor->stream->info.page_count)
		cursor->last++;
	return rc;
}

/* A cursor begins at the page where its first record can be, where time is known to rise. */
static int seek(struct stream_cursor *cursor, struct account *account, struct trc_error *err)
{
	struct map_window *window = &cursor->cache.window;
	uint64_t step = window->step;
	int rc = TRC_OK;

	window->step = 0; /* a page here and there */
	cursor->cache.account = account;
	if (cursor->stream->monotone)
		rc = seek_pages(cursor, err);
	cursor->cache.account = NULL;
	window->step = step;
	return rc;
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

/* Where faults of a file go; there is room for one a source. */
static struct problems *problems_of(struct trc_walk *walk, const struct trc_file *file)
{
	size_t i = 0;

	while (i < walk->file_count && walk->files[i].file != file)
		i++;
	if (i == walk->file_count)
		walk->files[walk->file_count++].file = file;
	return &walk->files[i].problems;
}

static int add_cursor(struct trc_walk *walk, const struct trc_walk_source *source,
		      const struct trc_walk_options *options, const struct walk_manner *manner,
		      struct account *account, struct trc_error *err)
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
		.gaps = options->flags & TRC_WALK_GAPS,
	};
	stream_cursor_init(cursor, source->data, &source->data->streams[source->stream], filter,
			   walk->cursor_count, manner, problems_of(walk, source->data->file));
	walk->cursor_count++;
	walk->usual &= is_usual(source->data);
	if ((rc = map_check(&source->data->file->image.map, err)) || (rc = seek(cursor, account, err)))
		return rc;
	pages = cursor->last > cursor->next ? cursor->last - cursor->next : cursor->next - cursor->last;
	walk->pages_total += pages + 1;
	return TRC_OK;
}

/* What a cursor keeps: the records of a page, and what is unpacked or read at once. */
static uint64_t cursor_memory(const struct trc_data *data, const struct stream *stream, uint64_t read_step)
{
	uint64_t page = stream->info.page_size;

	if (!stream->compressed && stream->size < page)
		page = stream->size;
	return CURSOR_BYTES + MERGE_NODE_BYTES + record_block_bytes((uint32_t)page) +
	       stream_cache_size(data, stream, read_step);
}

/*
 * The merge needs a page of each stream, so streams are what memory goes by. Their files are of one
 * budget, or else the largest counts.
 */
static int check_memory(const struct trc_walk_source *sources, size_t count, uint64_t read_step,
			struct account *account, struct trc_error *err)
{
	uint64_t needed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct trc_data *data = sources[i].data;
		const struct budget *budget = &data->file->image.budget;

		if (budget->memory > account->budget.memory)
			account->budget.memory = budget->memory;
		if (budget->work > account->budget.work)
			account->budget.work = budget->work;
		if (sources[i].stream < data->stream_count)
			needed += cursor_memory(data, &data->streams[sources[i].stream], read_step);
	}
	return count ? account_memory(account, needed, TRC_NO_OFFSET, "records of many streams in order",
				      err) :
		       TRC_OK;
}

int trc_walk_create(const struct trc_walk_source *sources, size_t count,
		    const struct trc_walk_options *options, struct trc_walk **out, struct trc_error *err)
{
	struct trc_walk *walk = calloc(1, sizeof(*walk));
	struct account account = { 0 };
	int rc = TRC_OK;

	if (!walk)
		return trc_fail_no_memory(err);
	struct walk_manner manner = {
		.backwards = options->flags & TRC_WALK_BACKWARDS,
		.keep_mapped = options->flags & TRC_WALK_KEEP_MAPPED,
		.read_step = count > READ_STEPS / READ_STEP ? READ_STEPS / count : READ_STEP,
		.stint = &walk->stint,
	};
	/* Where nothing lies between start and end, no cursor is needed to find that out. */
	if (!options->until_last && options->end <= options->start)
		count = 0;
	walk->usual = true;
	walk->cursors = calloc(count + 1, sizeof(*walk->cursors));
	walk->filters = calloc(count + 1, sizeof(*walk->filters));
	walk->files = calloc(count + 1, sizeof(*walk->files));
	if (!walk->cursors || !walk->filters || !walk->files)
		rc = trc_fail_no_memory(err);
	else if (count > UINT32_MAX / 4)
		rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "walk: %zu sources are too many", count);
	else
		rc = merge_tree_init(&walk->tree, walk->cursors, (uint32_t)count, manner.backwards,
				     options->flags & TRC_WALK_BY_CPU, err);
	if (!rc)
		rc = check_memory(sources, count, manner.read_step, &account, err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = trc_fail_of(add_cursor(walk, &sources[i], options, &manner, &account, err), (uint32_t)i,
				 err);
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
	for (size_t i = 0; i < walk->file_count; i++)
		problems_deinit(&walk->files[i].problems);
	free(walk->files);
	free(walk);
}

/* --- walking --------------------------------------------------------------------------------- */

/* Sources of one file stand together mostly. */
static int check_files(const struct trc_walk *walk, struct trc_error *err)
{
	const struct trc_file *checked = NULL;

	for (uint32_t i = 0; i < walk->cursor_count; i++) {
		const struct trc_file *file = walk->cursors[i].data->file;
		int rc = file == checked ? TRC_OK : map_check(&file->image.map, err);

		if (rc)
			return trc_fail_of(rc, i, err);
		checked = file;
	}
	return TRC_OK;
}

int walk_begin_stint(struct trc_walk *walk, struct trc_error *err)
{
	walk->stint = WALK_STINT;
	return check_files(walk, err);
}

int walk_peek(struct trc_walk *walk, struct walk_record **records, size_t *count, struct trc_error *err)
{
	struct merge_node *root = merge_tree_root(&walk->tree);
	int rc;

	while ((rc = merge_tree_fill(&walk->tree, err)) == MERGE_HELD)
		merge_tree_release(&walk->tree);
	if (rc < 0 || rc == MERGE_STINT_OVER)
		return rc < 0 ? -rc : TRC_GO_ON;
	*records = root->at;
	*count = (size_t)(root->end - root->at);
	return TRC_OK;
}

void walk_take(struct trc_walk *walk, size_t count)
{
	if (count) /* where there was nothing yet, there is no place to move on from */
		merge_tree_root(&walk->tree)->at += count;
}

int walk_next_page(struct trc_walk *walk, const struct stream_cursor **cursor, struct trc_error *err)
{
	int rc;

	if (!walk->cursor_count)
		return PAGE_END;
	*cursor = &walk->cursors[0];
	rc = stream_cursor_next_page(&walk->cursors[0], err);
	return rc < 0 ? -trc_fail_of(-rc, 0, err) : rc;
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

bool walk_has_gaps(const struct trc_walk *walk)
{
	return walk->tree.losses;
}

struct walk_gaps walk_gaps(const struct trc_walk *walk, uint32_t source)
{
	const struct stream_cursor *cursor = &walk->cursors[source];

	if (!cursor->behind_loss && !cursor->ended)
		return (struct walk_gaps){ 0 };
	return (struct walk_gaps){
		.gaps = cursor->gaps,
		.count = cursor->gap_count,
		.before = cursor->gaps_before,
		.after = cursor->behind_loss,
	};
}

TRC_INLINE void put_ids(uint32_t *restrict id, int32_t *restrict pid, const struct walk_record *records,
			size_t n)
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

		batch->id[batch->count + i] = record_id(data->common.type, big_endian, record.payload,
							record.size);
		batch->pid[batch->count + i] = record_pid(data->common.pid, big_endian, record.payload,
							  record.size);
	}
}

/* Pages that are not mapped are not replaced before all of their records were put. */
void walk_offsets(const struct trc_walk *walk, const struct walk_record *records, size_t n, uint64_t *offset)
{
	for (size_t i = 0; i < n; i++) {
		const struct stream_cursor *cursor = &walk->cursors[records[i].source];
		const uint8_t *mapped = cursor->data->file->image.map.base;

		if (cursor->stream->compressed)
			offset[i] = TRC_NO_OFFSET;
		else if (mapped)
			offset[i] = (uint64_t)(records[i].payload - mapped);
		else
			offset[i] = cursor->page.offset + (uint64_t)(records[i].payload - cursor->page.bytes);
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
	if (batch->offset)
		walk_offsets(walk, records, n, batch->offset + to);
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
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "walk: a payload of %zu bytes does not fit",
			batch->payload_size);
}

int trc_walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err)
{
	int rc = walk_begin_stint(walk, err);

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
				return TRC_OK; /* where the next page may take the place of this one */
			merge_tree_release(&walk->tree);
		} else if (rc == MERGE_STINT_OVER) {
			return batch->count ? TRC_OK : TRC_GO_ON;
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
	size_t count = 0;

	for (size_t i = 0; i < walk->file_count; i++)
		count += problems_count(&walk->files[i].problems);
	return count;
}

int trc_walk_problem(const struct trc_walk *walk, size_t index, struct trc_error *problem)
{
	for (size_t i = 0; i < walk->file_count; i++) {
		size_t count = problems_count(&walk->files[i].problems);

		if (index < count)
			return problems_get(&walk->files[i].problems, index, problem);
		index -= count;
	}
	return TRC_NOT_FOUND;
}

void trc_walk_progress(const struct trc_walk *walk, uint64_t *done, uint64_t *total)
{
	*done = 0;
	for (uint32_t i = 0; i < walk->cursor_count; i++)
		*done += walk->cursors[i].pages_read;
	*total = walk->pages_total;
}
