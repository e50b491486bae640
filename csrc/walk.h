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
	uint32_t only_id;		/* the one whose bit is set; UINT32_MAX: none, or more than one */
	const int32_t *pids;		/* sorted, or NULL: all */
	size_t pid_count;
	const struct trc_filter *const *filters;	/* one has to let a record through; none: all are */
	size_t filter_count;
	const struct trc_filter *const *filters_out;	/* none of these may */
	size_t filter_out_count;
	uint32_t stack_id;		/* not 0: such a record comes along with the one before it */
};

/* The one event whose bit is set; UINT32_MAX: there is none, there are several, or no bits. */
uint32_t walk_only_id(const uint8_t *event_ids);

/*
 * A wanted record. Half a cache line, moved as a whole: a merge of records that lie side by side
 * stays in the cache.
 */
struct walk_record {
	uint64_t key;			/* of the merge: less comes first */
	uint64_t ts;			/* ns */
	const uint8_t *payload;		/* in its page */
	uint32_t size;
	uint32_t source;		/* the cursor's number */
};

/* Two losses in a row; one of unknown number makes the sum unknown. */
TRC_INLINE int64_t add_missed(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* The wanted records of one page, in the order of the walk. */
struct record_block {
	size_t count, room;
	uint64_t last_ts;		/* raw, of the page's last record, wanted or not */
	struct walk_record *records;
};

/* Room for as many records as a page of so many bytes can hold: 4 bytes and a word of data each. */
static inline size_t record_block_room(uint32_t page_bytes)
{
	return page_bytes / 8 + 1;
}

static inline uint64_t record_block_bytes(uint32_t page_bytes)
{
	return record_block_room(page_bytes) * sizeof(struct walk_record);
}

struct stream_cursor {
	const struct trc_data *data;
	const struct stream *stream;
	const struct record_filter *filter;
	bool backwards;
	bool pages_pass;		/* stream_pages_pass() */
	ptrdiff_t ahead;		/* bytes from a page to the one read next, where pages lie in a row */
	uint32_t source;		/* its number in the walk */
	struct record_block block;	/* of the open page */
	uint64_t key;			/* the latest so far */
	bool by_time;			/* pages were searched for by time: check_time_order() */
	uint64_t edge;			/* ns, where the page read before ends, backwards: begins */
	bool held;			/* the next page has to wait until the block's records are dealt with */
	const uint8_t *behind_loss;	/* payload of the block's earliest record, if events were lost before it */
	int64_t missed;			/* lost before the block's earliest record: 0 none, -1 unknown number */
	uint64_t next, last;		/* pages: the one to open next, and the last one to open */
	bool done;			/* no page is left */
	bool searching;			/* the last stint was over before a page with wanted records */
	uint64_t index;			/* of the open page */
	struct page page;		/* the open page */
	struct page_cache cache;
	struct problems *problems;	/* where damaged pages are told of: of its file */
	uint64_t *stint;		/* bytes of pages to be read yet in this call, of all cursors of the walk */
	uint64_t pages_read;
	bool stack_wanted;		/* a stack that comes now belongs to a record that was let through */
};

/* What a cursor has in common with all others of its walk. */
struct walk_manner {
	bool backwards;
	bool keep_mapped;		/* leave pages mapped that were read: TRC_WALK_KEEP_MAPPED */
	uint64_t read_step;		/* bytes of a stream that are read at once, where it is not mapped */
	uint64_t *stint;
};

/* Stands before the first record. What manner points to must outlive the cursor. */
void stream_cursor_init(struct stream_cursor *cursor, const struct trc_data *data,
			const struct stream *stream, const struct record_filter *filter,
			uint32_t source, const struct walk_manner *manner, struct problems *problems);
void stream_cursor_deinit(struct stream_cursor *cursor);

/*
 * Moves to the next page with wanted records. The block before is gone then, and so is its page, where
 * stream_pages_pass().
 */
enum page_step {
	PAGE_END,
	PAGE_READY,
	PAGE_STINT_OVER,		/* none was found yet: to be called again, in another stint */
};
/* An enum page_step, or minus an enum trc_code. */
int stream_cursor_next_page(struct stream_cursor *cursor, struct trc_error *err);

/* Leaves in the block what the filters of the filter language let through: walk_filter.c. */
void walk_filter_block(struct stream_cursor *cursor);

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
 * The two steps of trc_walk_next(): a stint begins, which none of the files may have shrunk for, and the
 * records. For callers who take records in small portions, many in one stint. TRC_GO_ON: the stint is
 * over, and there are none yet.
 */
int walk_begin_stint(struct trc_walk *walk, struct trc_error *err);
int walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err);

/*
 * The second step without copies: the next records where they lie, as many as happen to be at hand;
 * count 0: there are no more. TRC_GO_ON as above. They are the caller's until the next look, to change as he likes;
 * those he takes are gone for the next one.
 */
int walk_peek(struct trc_walk *walk, struct walk_record **records, size_t *count,
	      struct trc_error *err);
void walk_take(struct trc_walk *walk, size_t count);

/* What was lost before each of the records that the last look showed; trc_batch says how. */
void walk_missed(const struct trc_walk *walk, const struct walk_record *records, size_t count,
		 int64_t *missed);

#endif
