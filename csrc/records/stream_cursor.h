/* SPDX-License-Identifier: MIT */
/*
 * Records of one stream, one after the other, forwards or backwards, as many as a filter lets
 * through. The merge takes its heads from here.
 */
#ifndef TRC_RECORDS_STREAM_CURSOR_H
#define TRC_RECORDS_STREAM_CURSOR_H

#include "filter/api.h"
#include "records/api.h"
#include "records/page.h"
#include "records/record.h"

/* What is wanted; made once for a whole walk. */
struct record_filter {
	uint64_t start, last;	  /* ns: start <= ts <= last */
	const uint8_t *event_ids; /* 65536 bits, or NULL: all */
	uint32_t only_id;	  /* the one whose bit is set; UINT32_MAX: none, or more than one */
	const int32_t *pids;	  /* sorted, or NULL: all */
	size_t pid_count;
	const struct trc_filter *const *filters; /* one has to let a record through; none: all are */
	size_t filter_count;
	const struct trc_filter *const *filters_out; /* none of these may */
	size_t filter_out_count;
	uint32_t stack_id; /* not 0: such a record comes along with the one before it */
	bool gaps;	   /* a loss counts that began in the wanted time, whenever it ended */
};

/* The wanted records of one page, in the order of the walk. */
struct record_block {
	size_t count, room;
	uint64_t last_ts; /* raw, of the page's last record, wanted or not */
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
	bool pages_pass;	    /* stream_pages_pass() */
	ptrdiff_t ahead;	    /* bytes from a page to the one read next, where pages lie in a row */
	uint32_t source;	    /* its number in the walk */
	struct record_block block;  /* of the open page */
	uint64_t key;		    /* the latest so far */
	bool by_time;		    /* pages were searched for by time: check_time_order() */
	uint64_t edge;		    /* ns, where the page read before ends, backwards: begins */
	bool held;		    /* the next page has to wait until the block's records are dealt with */
	const uint8_t *behind_loss; /* payload of the block's earliest record, if events were lost before it */
	int64_t missed;		    /* lost before the block's earliest record: 0 none, -1 unknown number */
	uint64_t latest; /* ns, of all records of pages that were read, wanted or not; where has_latest */
	bool has_latest;
	bool hole; /* pages after latest were passed over, and count as a loss of unknown number */
	struct walk_gap *gaps; /* that missed is of, where the filter asks for gaps */
	size_t gap_count, gap_room;
	uint64_t gaps_before; /* of the whole stream */
	uint64_t next, last;  /* pages: the one to open next, and the last one to open */
	bool done;	      /* no page is left */
	bool ended;	      /* and no record of any page */
	bool searching;	      /* the last stint was over before a page with wanted records */
	uint64_t index;	      /* of the open page */
	struct page page;     /* the open page */
	struct page_cache cache;
	struct problems *problems; /* where damaged pages are noted: of its file */
	uint64_t *stint; /* bytes of pages to be read yet in this call, of all cursors of the walk */
	uint64_t pages_read;
	bool stack_wanted; /* a stack that comes now belongs to a record that was let through */
};

/* What a cursor has in common with all others of its walk. */
struct walk_manner {
	bool backwards;
	bool keep_mapped;   /* leave pages mapped that were read: TRC_WALK_KEEP_MAPPED */
	uint64_t read_step; /* bytes of a stream that are read at once, where it is not mapped */
	uint64_t *stint;
};

/* Stands before the first record. What manner points to must outlive the cursor. */
void stream_cursor_init(struct stream_cursor *cursor, const struct trc_data *data,
			const struct stream *stream, const struct record_filter *filter, uint32_t source,
			const struct walk_manner *manner, struct problems *problems);
void stream_cursor_deinit(struct stream_cursor *cursor);

/*
 * Moves to the next page with wanted records. The block before is gone then, and so is its page, where
 * stream_pages_pass().
 */
enum page_step {
	PAGE_END,
	PAGE_READY,
	PAGE_STINT_OVER, /* none was found yet: to be called again, in another stint */
};
/* An enum page_step, or minus an enum trc_code. */
int stream_cursor_next_page(struct stream_cursor *cursor, struct trc_error *err);

/* Leaves in the block what the filters of the filter language let through: stream_filter.c. */
void walk_filter_block(struct stream_cursor *cursor);

#endif
