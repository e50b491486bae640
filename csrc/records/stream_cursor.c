/* SPDX-License-Identifier: MIT */
#include "records/stream_cursor.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "file/file.h"
#include "records/api.h"

/*
 * How much of a mapping is asked for at once: page faults cost more than the walk itself, and one
 * call for a megabyte is far cheaper than its 256 faults.
 */
#define MAPPED_STEP (UINT64_C(1) << 20)

#define GAPS_FIRST 8

void stream_cursor_init(struct stream_cursor *cursor, const struct trc_data *data,
			const struct stream *stream, const struct record_filter *filter, uint32_t source,
			const struct walk_manner *manner, struct problems *problems)
{
	uint64_t count = stream->info.page_count; /* never 0: trc_data_create() */
	bool backwards = manner->backwards;

	*cursor = (struct stream_cursor){
		.data = data,
		.stream = stream,
		.filter = filter,
		.source = source,
		.ahead = backwards ? -(ptrdiff_t)stream->info.page_size : (ptrdiff_t)stream->info.page_size,
		.backwards = backwards,
		.pages_pass = stream_pages_pass(data, stream),
		.next = backwards ? count - 1 : 0,
		.last = backwards ? 0 : count - 1,
		.cache = page_cache_of(data, stream,
				       data->file->image.map.base ? MAPPED_STEP : manner->read_step,
				       backwards),
		.problems = problems,
		.stint = manner->stint,
		.by_time = stream->monotone && (filter->start || filter->last != UINT64_MAX),
		.edge = backwards ? UINT64_MAX : 0,
	};
	cursor->cache.window.keep_mapped = manner->keep_mapped;
}

void stream_cursor_deinit(struct stream_cursor *cursor)
{
	page_cache_deinit(&cursor->cache);
	free(cursor->block.records);
	free(cursor->gaps);
}

/* --- pages ----------------------------------------------------------------------------------- */

/* A damaged page: noted, passed over. */
static void note_page(struct stream_cursor *cursor, const char *what)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, cursor->page.offset, "sub-buffer %" PRIu64 " of CPU %u: %s",
		 cursor->index, cursor->stream->info.cpu, what);
	trc_fail_of(TRC_CORRUPT, cursor->source, &fault);
	problems_add(cursor->problems, &fault);
}

/* The next page of the stream; an enum page_step, or minus a code. */
static int next_page(struct stream_cursor *cursor, struct trc_error *err)
{
	uint32_t page_size = cursor->stream->info.page_size;
	int rc;

	if (cursor->done)
		return PAGE_END;
	if (!*cursor->stint)
		return PAGE_STINT_OVER;
	*cursor->stint -= *cursor->stint < page_size ? *cursor->stint : page_size;
	cursor->index = cursor->next;
	cursor->done = cursor->index == cursor->last;
	cursor->next = cursor->backwards ? cursor->index - 1 : cursor->index + 1;
	cursor->pages_read++;
	rc = stream_page(cursor->stream, cursor->index, &cursor->cache, &cursor->page, err);
	return rc ? -rc : PAGE_READY;
}

/* A chunk that does not unpack takes all its pages with it: one problem for the lot. */
static void skip_chunk(struct stream_cursor *cursor, struct trc_error *fault)
{
	const struct stream *stream = cursor->stream;
	const struct chunk *chunk = &stream->chunks[stream_find_chunk(stream, cursor->index)];
	uint64_t after = chunk->first_page + chunk->plain / stream->info.page_size;

	trc_fail_of(fault->code, cursor->source, fault);
	problems_add(cursor->problems, fault);
	cursor->done = cursor->backwards ? chunk->first_page <= cursor->last : after > cursor->last;
	cursor->next = cursor->backwards ? chunk->first_page - 1 : after;
}

/* Opens pages until one is sound; an enum page_step, or minus a code. */
static int open_page(struct stream_cursor *cursor, struct subbuffer *sub, struct trc_error *err)
{
	for (;;) {
		struct trc_error fault;
		int rc = next_page(cursor, &fault);

		if (rc < 0 && page_fault_is_recoverable(-rc)) {
			skip_chunk(cursor, &fault);
			cursor->hole = cursor->filter->gaps;
			continue;
		}
		if (rc < 0 && err)
			*err = fault;
		if (rc != PAGE_READY)
			return rc;
		if (subbuffer_open(&cursor->data->layout, cursor->data->layout.big_endian, cursor->page.bytes,
				   cursor->stream->info.page_size, cursor->page.available, sub))
			return PAGE_READY;
		note_page(cursor, "its header is damaged");
		cursor->hole = cursor->filter->gaps;
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

static int block_reserve(struct record_block *block, uint32_t bytes, struct trc_error *err)
{
	size_t room = record_block_room(bytes);
	struct walk_record *records;

	block->count = 0;
	if (room <= block->room)
		return TRC_OK;
	records = malloc(room * sizeof(*records));
	if (!records)
		return trc_fail_no_memory(err);
	free(block->records);
	block->records = records;
	block->room = room;
	return TRC_OK;
}

/* Events that are wanted: all, one, or those whose bits are set. */
enum choice { CHOICE_ALL, CHOICE_ONE, CHOICE_BITS };

TRC_INLINE bool id_chosen(const struct record_filter *filter, enum choice choice, uint32_t id)
{
	switch (choice) {
	case CHOICE_ALL:
		return true;
	case CHOICE_ONE:
		return id == filter->only_id;
	default:
		return id < 65536 && (filter->event_ids[id >> 3] >> (id & 7) & 1);
	}
}

/* What is not wanted is stored, too, and written over, as there is no telling which it will be. */
TRC_INLINE struct walk_record *put_record(struct walk_record *to, const struct record_filter *filter,
					  enum choice choice, struct event_place type, bool big_endian,
					  const struct record *record)
{
	to->ts = record->ts;
	to->payload = record->payload;
	to->size = record->size;
	return to + id_chosen(filter, choice, record_id(type, big_endian, record->payload, record->size));
}

/*
 * Records of a page into the block, all or those of some events, whatever else the filter says:
 * with constants for byte order and places this is nothing but loads and stores. Damage ends the
 * page.
 */
TRC_INLINE enum subbuffer_step read_records(const struct stream_cursor *cursor, bool big_endian,
					    enum choice choice, struct event_place type, struct subbuffer sub,
					    struct record_block *block)
{
	const struct record_filter filter = *cursor->filter;
	const ptrdiff_t ahead = cursor->ahead;
	struct walk_record *to = block->records;
	enum subbuffer_step step;
	struct record record;

	do {
		struct subbuffer_run run;

		if (subbuffer_run_begin(&sub, &run)) {
			while (subbuffer_run_next(&run, big_endian, &record)) {
				/* What lies there in the stream's next page comes meanwhile. */
				TRC_WILL_READ((uintptr_t)record.payload + (uintptr_t)ahead);
				to = put_record(to, &filter, choice, type, big_endian, &record);
			}
			subbuffer_run_end(&sub, &run);
		}
		step = subbuffer_next(&sub, big_endian, &record);
		if (step == SUBBUFFER_RECORD)
			to = put_record(to, &filter, choice, type, big_endian, &record);
	} while (step == SUBBUFFER_RECORD);
	block->count = (size_t)(to - block->records);
	block->last_ts = sub.ts;
	return step;
}

static enum subbuffer_step read_any_records(const struct stream_cursor *cursor, struct subbuffer sub,
					    struct record_block *block)
{
	const struct record_filter *filter = cursor->filter;
	struct event_place type = cursor->data->common.type;

	if (!filter->event_ids && !cursor->data->layout.big_endian)
		return read_records(cursor, false, CHOICE_ALL, USUAL_TYPE, sub, block);
	if (!filter->event_ids)
		return read_records(cursor, true, CHOICE_ALL, USUAL_TYPE, sub, block);
	if (cursor->data->layout.big_endian)
		return read_records(cursor, true, CHOICE_BITS, type, sub, block);
	if (type.offset != USUAL_TYPE.offset || type.size != USUAL_TYPE.size)
		return read_records(cursor, false, CHOICE_BITS, type, sub, block);
	return filter->only_id != UINT32_MAX ?
		       read_records(cursor, false, CHOICE_ONE, USUAL_TYPE, sub, block) :
		       read_records(cursor, false, CHOICE_BITS, USUAL_TYPE, sub, block);
}

/* What a record gets once its time is known. The merge goes by the latest time of its stream so far. */
TRC_INLINE void set_time(struct walk_record *record, uint64_t ts, uint64_t *latest, uint32_t source)
{
	*latest = ts > *latest ? ts : *latest;
	record->key = *latest;
	record->ts = ts;
	record->source = source;
}

/* Ticks of TSC2NSEC alone, of any clock that there is: nothing in the loop depends on the clock. */
static uint64_t convert_ticks(struct walk_record *records, size_t count, struct clock clock, uint64_t latest,
			      uint32_t source)
{
	uint64_t factor = tsc_factor(clock.mult);

	for (size_t i = 0; i < count; i++) {
		uint64_t ts = records[i].ts;

		set_time(&records[i],
			 ((ts & UINT32_MAX) * factor >> clock.tsc_shift) +
				 ((ts >> 32) * factor << (32 - clock.tsc_shift)) + clock.offset,
			 &latest, source);
	}
	return latest;
}

/*
 * Raw time stamps to the time users see, and what follows from it where all records are wanted in this
 * order; the latest time so far.
 */
static uint64_t convert_times(const struct stream_cursor *cursor, struct record_block *block)
{
	const struct clock clock = *cursor->stream->clock;
	uint32_t cpu = cursor->stream->info.cpu, source = cursor->source;
	uint64_t latest = cursor->key;

	if (!clock.shift && !clock.mult && clock.ts2secs == 0) {
		for (size_t i = 0; i < block->count; i++)
			set_time(&block->records[i], block->records[i].ts + clock.offset, &latest, source);
	} else if (!clock.shift && clock.ts2secs == 0 && clock.tsc_shift <= 32) {
		latest = convert_ticks(block->records, block->count, clock, latest, source);
	} else {
		for (size_t i = 0; i < block->count; i++)
			set_time(&block->records[i], clock_ns(&clock, cpu, block->records[i].ts), &latest,
				 source);
	}
	return latest;
}

static bool record_wanted(const struct stream_cursor *cursor, const struct walk_record *record)
{
	const struct record_filter *filter = cursor->filter;

	if (record->ts < filter->start || record->ts > filter->last)
		return false;
	return !filter->pids ||
	       pid_wanted(filter, record_pid(cursor->data->common.pid, cursor->data->layout.big_endian,
					     record->payload, record->size));
}

/*
 * A search by time takes it that pages follow each other in time. Where one that is read does not, records
 * may lie in others that the search passed over.
 */
static void check_time_order(struct stream_cursor *cursor, const struct subbuffer *sub)
{
	const struct record_block *block = &cursor->block;
	const struct clock *clock = cursor->stream->clock;
	uint32_t cpu = cursor->stream->info.cpu;
	uint64_t begins = clock_ns(clock, cpu, sub->ts), latest = begins;
	uint64_t ends = clock_ns(clock, cpu, block->last_ts);
	bool steps_back = false;

	for (size_t i = 0; i < block->count; i++) {
		steps_back |= block->records[i].ts < latest;
		latest = block->records[i].ts > latest ? block->records[i].ts : latest;
	}
	steps_back |= ends < latest;
	if (cursor->backwards) {
		steps_back |= ends > cursor->edge;
		cursor->edge = begins;
	} else {
		steps_back |= begins < cursor->edge;
		cursor->edge = ends;
	}
	if (steps_back)
		note_page(cursor, "its times are not in order, so that reading by time may miss records");
}

/* Leaves the wanted records in the block; events were chosen as the page was read. */
static void filter_records(struct stream_cursor *cursor, struct record_block *block)
{
	size_t kept = 0;

	for (size_t i = 0; i < block->count; i++) {
		if (record_wanted(cursor, &block->records[i]))
			block->records[kept++] = block->records[i];
	}
	block->count = kept;
}

static void reverse(struct record_block *block)
{
	for (size_t i = 0; i < block->count / 2; i++) {
		struct walk_record *a = &block->records[i], *b = &block->records[block->count - 1 - i];
		struct walk_record record = *a;

		*a = *b;
		*b = record;
	}
}

/* Backwards the key is the complement of the earliest time so far, so that less always comes first. */
static void set_keys(struct stream_cursor *cursor, struct record_block *block)
{
	uint64_t flip = cursor->backwards ? UINT64_MAX : 0;

	for (size_t i = 0; i < block->count; i++) {
		uint64_t key = block->records[i].ts ^ flip;

		cursor->key = key > cursor->key ? key : cursor->key;
		block->records[i].key = cursor->key;
	}
}

/* More is asked for than records of some events, forwards. */
static bool is_choosy(const struct stream_cursor *cursor)
{
	const struct record_filter *filter = cursor->filter;

	return cursor->backwards || filter->start || filter->last != UINT64_MAX || filter->pids ||
	       filter->filter_count || filter->filter_out_count;
}

/* The rest of what is asked for. Keys are those of the records that are left, in their order. */
static void choose_records(struct stream_cursor *cursor, struct record_block *block)
{
	filter_records(cursor, block);
	if (cursor->filter->filter_count || cursor->filter->filter_out_count)
		walk_filter_block(cursor);
	if (cursor->backwards)
		reverse(block);
	set_keys(cursor, block);
}

static int add_gap(struct stream_cursor *cursor, uint64_t ts, int64_t missed, struct trc_error *err)
{
	if (cursor->gap_count == cursor->gap_room) {
		struct walk_gap *grown = array_grow(cursor->gaps, &cursor->gap_room, GAPS_FIRST,
						    sizeof(*cursor->gaps));

		if (!grown)
			return trc_fail_no_memory(err);
		cursor->gaps = grown;
	}
	cursor->gaps[cursor->gap_count++] = (struct walk_gap){
		.from = cursor->latest,
		.to = ts > cursor->latest ? ts : cursor->latest,
		.has_from = cursor->has_latest,
		.count = missed,
	};
	return TRC_OK;
}

/*
 * A loss was before the page's first record, and counts where that is in the wanted time; for those who ask
 * for gaps also where the record before it is.
 */
static int note_loss(struct stream_cursor *cursor, struct subbuffer sub, struct trc_error *err)
{
	const struct record_filter *filter = cursor->filter;
	struct record record;
	int64_t missed = cursor->hole ? -1 : sub.missed;
	uint64_t ts;

	if (subbuffer_next(&sub, cursor->data->layout.big_endian, &record) != SUBBUFFER_RECORD) {
		cursor->hole = filter->gaps; /* it ends where the next record is */
		return TRC_OK;
	}
	cursor->hole = false;
	ts = clock_ns(cursor->stream->clock, cursor->stream->info.cpu, record.ts);
	if (ts < filter->start ||
	    (ts > filter->last && (!filter->gaps || (cursor->has_latest && cursor->latest > filter->last))))
		return TRC_OK;
	cursor->missed = add_missed(cursor->missed, missed);
	return filter->gaps ? add_gap(cursor, ts, missed, err) : TRC_OK;
}

/* At the end of a stream: what was passed over after its last record. */
static int note_last_hole(struct stream_cursor *cursor, struct trc_error *err)
{
	if (!cursor->hole || (cursor->has_latest && cursor->latest > cursor->filter->last))
		return TRC_OK;
	cursor->hole = false;
	cursor->missed = -1;
	return add_gap(cursor, UINT64_MAX, -1, err);
}

/*
 * The time that the page's last record has, wanted or not; key: the latest of those that are wanted. Where
 * time steps back in the page it is later: what was lost after that is told after those records.
 */
static void note_latest(struct stream_cursor *cursor, const struct subbuffer *sub, uint64_t key)
{
	uint64_t ts;

	if (!cursor->block.count && !subbuffer_has_records(sub, cursor->data->layout.big_endian))
		return;
	ts = clock_ns(cursor->stream->clock, cursor->stream->info.cpu, cursor->block.last_ts);
	ts = key > ts ? key : ts;
	if (!cursor->has_latest || ts > cursor->latest)
		cursor->latest = ts;
	cursor->has_latest = true;
}

/* The open page's records into the block. */
static int read_page(struct stream_cursor *cursor, const struct subbuffer *sub, struct trc_error *err)
{
	struct record_block *block = &cursor->block;
	uint64_t latest;
	bool damaged;
	int rc = block_reserve(block, sub->end, err);

	if (rc)
		return rc;
	damaged = read_any_records(cursor, *sub, block) == SUBBUFFER_DAMAGED;
	if (damaged)
		note_page(cursor, "a record is damaged, the rest is lost");
	latest = convert_times(cursor, block);
	if (cursor->by_time && (block->count || subbuffer_has_records(sub, cursor->data->layout.big_endian)))
		check_time_order(cursor, sub);
	if (TRC_UNLIKELY(sub->missed || cursor->hole) && (rc = note_loss(cursor, *sub, err)))
		return rc;
	cursor->hole |= damaged && cursor->filter->gaps;
	if (cursor->filter->gaps)
		note_latest(cursor, sub, latest);
	if (is_choosy(cursor))
		choose_records(cursor, block);
	else
		cursor->key = latest;
	return TRC_OK;
}

static void forget_losses(struct stream_cursor *cursor)
{
	cursor->missed = 0;
	cursor->gaps_before += cursor->gap_count;
	cursor->gap_count = 0;
}

int stream_cursor_next_page(struct stream_cursor *cursor, struct trc_error *err)
{
	struct subbuffer sub;

	if (!cursor->searching && (cursor->block.count || cursor->backwards))
		forget_losses(cursor); /* reported with the block before */
	cursor->block.count = 0;
	for (;;) {
		int rc = open_page(cursor, &sub, err);

		cursor->searching = rc == PAGE_STINT_OVER;
		if (rc == PAGE_END)
			return -note_last_hole(cursor, err);
		if (rc != PAGE_READY)
			return rc;
		if ((rc = read_page(cursor, &sub, err)))
			return -rc;
		if (cursor->block.count)
			return PAGE_READY;
	}
}

/* --- public ---------------------------------------------------------------------------------- */

int trc_stream_is_monotone(const struct trc_data *data, size_t stream)
{
	return stream < data->stream_count && data->streams[stream].monotone;
}
