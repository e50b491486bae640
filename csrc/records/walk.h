/* SPDX-License-Identifier: MIT */
/* Walks for the rooms above: records as they lie, without the copies that trc_walk_next() makes. */
#ifndef TRC_RECORDS_WALK_H
#define TRC_RECORDS_WALK_H

#include "records/api.h"
#include "records/record.h"
#include "records/stream_cursor.h"

/* The one event whose bit is set; UINT32_MAX: there is none, there are several, or no bits. */
uint32_t walk_only_id(const uint8_t *event_ids);

/*
 * The two steps of trc_walk_next(): a stint begins, which none of the files may have shrunk for, and the
 * records. For callers who take records in small portions, many in one stint. TRC_GO_ON: the stint is
 * over, and there are none yet.
 */
int walk_begin_stint(struct trc_walk *walk, struct trc_error *err);
int walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err);

/*
 * The second step without copies: the next records where they lie, as many as happen to be at hand;
 * count 0: there are no more. TRC_GO_ON as above. They are the caller's until the next look, to change as it likes;
 * those it takes are gone for the next one.
 */
int walk_peek(struct trc_walk *walk, struct walk_record **records, size_t *count, struct trc_error *err);
void walk_take(struct trc_walk *walk, size_t count);

/* What was lost before each of the records that the last look showed; trc_batch says how. */
void walk_missed(const struct trc_walk *walk, const struct walk_record *records, size_t count,
		 int64_t *missed);

/*
 * Instead of these, for those who take pages: the next one with wanted records of a walk through one source,
 * whose cursor has it. What was lost before is cursor->missed, before the first record of the block. An enum
 * page_step, or minus a code; TRC_GO_ON as PAGE_STINT_OVER.
 */
int walk_next_page(struct trc_walk *walk, const struct stream_cursor **cursor, struct trc_error *err);

/* Where their payloads are in the file; TRC_NO_OFFSET: they are compressed there. */
void walk_offsets(const struct trc_walk *walk, const struct walk_record *records, size_t count,
		  uint64_t *offset);

/*
 * The gaps that a source's next records are behind, or, where it has none any more, that it ends with: of
 * a walk with TRC_WALK_GAPS. A look shows no record that comes after the beginning of a gap before this
 * does; they are there until the next look after the one that showed the record behind them.
 */
struct walk_gaps {
	const struct walk_gap *gaps; /* in their order */
	size_t count;
	uint64_t before;      /* how many the source had before these */
	const uint8_t *after; /* payload of the first wanted record behind the last; NULL: there is none */
};
struct walk_gaps walk_gaps(const struct trc_walk *walk, uint32_t source);
/* Whether any source has one. */
bool walk_has_gaps(const struct trc_walk *walk);

#endif
