/* SPDX-License-Identifier: MIT */
/*
 * Records of one stream, one after the other, forwards or backwards, as many as a filter lets
 * through. The merge takes its heads from here.
 */
#ifndef TRC_WALK_H
#define TRC_WALK_H

#include "data.h"

/* What is wanted; made once for a whole walk. */
struct record_filter {
	uint64_t start, last;		/* ns: start <= ts <= last */
	const uint8_t *event_ids;	/* 65536 bits, or NULL: all */
	const int32_t *pids;		/* sorted, or NULL: all */
	size_t pid_count;
	const struct trc_filter *const *filters;	/* one has to let a record through; none: all are */
	size_t filter_count;
	const struct trc_filter *const *filters_out;	/* none of these may */
	size_t filter_out_count;
	uint32_t stack_id;		/* not 0: such a record comes along with the one before it */
};

/*
 * The wanted records of one page, in the order of the walk. Arrays beside each other, since a merge
 * mostly asks for the times only.
 */
struct record_block {
	size_t count, room;
	uint64_t *ts;			/* ns; the start of the one allocation behind all five */
	uint32_t *id;			/* UINT32_MAX: too short to have one */
	int32_t *pid;
	uint32_t *offset;		/* of the payload in the page */
	uint32_t *size;
};

/* Two losses in a row; one of unknown number makes the sum unknown. */
TRC_INLINE int64_t add_missed(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > INT64_MAX - b ? INT64_MAX : a + b;
}

TRC_INLINE void record_block_move(struct record_block *block, size_t to, size_t from)
{
	block->ts[to] = block->ts[from];
	block->id[to] = block->id[from];
	block->pid[to] = block->pid[from];
	block->offset[to] = block->offset[from];
	block->size[to] = block->size[from];
}

struct stream_cursor {
	const struct trc_data *data;
	const struct stream *stream;
	const struct record_filter *filter;
	bool backwards;
	bool drop_behind;		/* give pages back to the system once read */
	struct record_block block;	/* of the open page */
	size_t at;			/* the record of the block that the cursor stands on */
	int64_t missed;			/* lost before the block's earliest record: 0 none, -1 unknown number */
	uint64_t next, last;		/* pages: the one to open next, and the last one to open */
	bool done;			/* no page is left */
	uint64_t index;			/* of the open page */
	struct page page;		/* the open page */
	struct chunk_cache cache;
	uint64_t populated;		/* file offset up to which the mapping was asked for (down to) */
	struct problems *problems;	/* where damaged pages are told of */
	uint64_t pages_read;
	bool stack_wanted;		/* a stack that comes now belongs to a record that was let through */
};

/* Stands before the first record. problems must outlive the cursor. */
void stream_cursor_init(struct stream_cursor *cursor, const struct trc_data *data,
			const struct stream *stream, const struct record_filter *filter,
			bool backwards, bool drop_behind, struct problems *problems);
void stream_cursor_deinit(struct stream_cursor *cursor);

/*
 * Moves to the next page with wanted records, of which it stands on the first: 1, or 0 at the end,
 * or minus an enum trc_code. The block and the page before are gone then.
 */
int stream_cursor_next_page(struct stream_cursor *cursor, struct trc_error *err);

/* Leaves in the block what the filters of the filter language let through: walk_filter.c. */
int walk_filter_block(struct stream_cursor *cursor, struct trc_error *err);

/* First page that can hold a record at or after ts, by bisection over the pages' time stamps. */
int stream_find_page(const struct trc_data *data, const struct stream *stream, uint64_t ts,
		     struct chunk_cache *cache, uint64_t *page, struct trc_error *err);

/* Where common_type and common_pid lie in the records of every kernel from 2.6.31 on. */
#define USUAL_TYPE ((struct event_place){ 0, 2 })
#define USUAL_PID ((struct event_place){ 4, 4 })

TRC_INLINE bool place_fits(struct event_place place, uint32_t size)
{
	return place.size && size >= place.size && place.offset <= size - place.size;
}

TRC_INLINE uint32_t record_id(struct event_place type, bool big_endian, const uint8_t *payload,
			      uint32_t size)
{
	if (TRC_LIKELY(place_fits(type, size)))
		return (uint32_t)load_uint(payload + type.offset, type.size, big_endian);
	return UINT32_MAX;
}

TRC_INLINE int32_t record_pid(struct event_place pid, bool big_endian, const uint8_t *payload,
			      uint32_t size)
{
	if (TRC_LIKELY(place_fits(pid, size)))
		return (int32_t)load_uint(payload + pid.offset, pid.size, big_endian);
	return -1;
}

/*
 * The two steps of trc_walk_next(): none of the files has shrunk, and the records. For callers who
 * take records in small portions, and ask the first of them only now and then.
 */
int walk_check_files(const struct trc_walk *walk, struct trc_error *err);
int walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err);

#endif
