/* SPDX-License-Identifier: MIT */
/* The pages of a stream that hold what a walk through it gives. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/file.h"
#include "records/walk.h"
#include "write/block.h"
#include "write/page_builder.h"

/*
 * What a single page of the input can at most add: the page that was open, full because of it; its own
 * records, after a loss on a page of their own; and what no longer fits there, as numbers of losses and
 * the times of records that are left out may take more room than before.
 */
#define PAGES_A_STEP 4

struct trc_cut {
	struct trc_walk *walk;
	const struct stream_cursor *cursor;
	struct page_builder builder;
	uint8_t *rest; /* what went beyond a block that was full; room for PAGES_A_STEP pages */
	uint32_t rest_size;
	bool waits;	/* the cursor's page is not dealt with yet */
	bool whole;	/* that page is wanted as it is */
	bool goes_on;	/* the block is being filled still: TRC_GO_ON */
	bool overflown; /* a page made more than PAGES_A_STEP of itself */
	bool ended;	/* for now, where that was asked for */
	bool over;	/* for good */
	size_t first;	/* wanted records of the cursor's page before this one are dealt with */
	uint64_t left;	/* records that may still come; UINT64_MAX: no bound */
	uint64_t records;
};

int trc_cut_create(const struct trc_walk_source *source, const struct trc_walk_options *options,
		   struct trc_cut **out, struct trc_error *err)
{
	struct trc_cut *cut = calloc(1, sizeof(*cut));
	struct trc_walk_options forwards = *options;
	int rc;

	if (!cut)
		return trc_fail_no_memory(err);
	forwards.flags &= ~(uint32_t)TRC_WALK_BACKWARDS;
	rc = trc_walk_create(source, 1, &forwards, &cut->walk, err);
	if (!rc) {
		uint32_t page_size = source->data->streams[source->stream].info.page_size;

		cut->builder = (struct page_builder){ .layout = &source->data->layout,
						      .page_size = page_size };
		cut->left = UINT64_MAX;
		cut->builder.page = malloc(page_size);
		cut->rest = malloc((size_t)PAGES_A_STEP * page_size);
		if (!cut->builder.page || !cut->rest)
			rc = trc_fail_no_memory(err);
	}
	if (rc) {
		trc_cut_destroy(cut);
		return rc;
	}
	*out = cut;
	return TRC_OK;
}

void trc_cut_destroy(struct trc_cut *cut)
{
	if (!cut)
		return;
	trc_walk_destroy(cut->walk);
	free(cut->builder.page);
	free(cut->rest);
	free(cut);
}

uint64_t trc_cut_records(const struct trc_cut *cut)
{
	return cut->records;
}

const struct trc_walk *trc_cut_walk(const struct trc_cut *cut)
{
	return cut->walk;
}

/* --- one page of the input --------------------------------------------------------------------- */

static bool open_input(const struct stream_cursor *cursor, struct subbuffer *sub)
{
	return subbuffer_open(&cursor->data->layout, cursor->data->layout.big_endian, cursor->page.bytes,
			      cursor->stream->info.page_size, cursor->page.available, sub);
}

/* How many records a page has; SIZE_MAX: one of them is damaged. */
TRC_INLINE size_t count_of(struct subbuffer sub, bool big_endian)
{
	enum subbuffer_step step;
	struct record record;
	size_t count = 0;

	do {
		struct subbuffer_run run;

		if (subbuffer_run_begin(&sub, &run)) {
			while (subbuffer_run_next(&run, big_endian, &record))
				count++;
			subbuffer_run_end(&sub, &run);
		}
		step = subbuffer_next(&sub, big_endian, &record);
		count += step == SUBBUFFER_RECORD;
	} while (step == SUBBUFFER_RECORD);
	return step == SUBBUFFER_DAMAGED ? SIZE_MAX : count;
}

/* Is each record of the page wanted here, and what was lost before it just what the page says? */
static bool is_whole(const struct trc_cut *cut)
{
	const struct stream_cursor *cursor = cut->cursor;
	struct subbuffer sub;

	if (cut->first || cursor->block.count > cut->left ||
	    cursor->page.available < cursor->stream->info.page_size || !open_input(cursor, &sub) ||
	    sub.missed != cursor->missed)
		return false;
	return cursor->block.count ==
	       (cursor->data->layout.big_endian ? count_of(sub, true) : count_of(sub, false));
}

static void append_page(struct trc_cut *cut, struct trc_block *block, const uint8_t *page)
{
	if (block->room - block->size < block->page_size) {
		cut->overflown = true;
		return;
	}
	memcpy(block->own + block->size, page, block->page_size);
	block->size += block->page_size;
}

static void end_page(struct trc_cut *cut, struct trc_block *block)
{
	if (!cut->builder.end)
		return;
	page_end(&cut->builder);
	append_page(cut, block, cut->builder.page);
}

static void put_record(struct trc_cut *cut, struct trc_block *block, const struct record *record,
		       int64_t missed)
{
	struct page_builder *builder = &cut->builder;

	if (missed)
		end_page(cut, block);
	if (builder->end && page_put(builder, record))
		return;
	end_page(cut, block);
	page_begin(builder, record->ts, missed);
	page_put(builder, record);
}

/* So many of the page's wanted records go where the cut is now. */
static size_t portion(const struct trc_cut *cut)
{
	size_t rest = cut->cursor->block.count - cut->first;

	return rest < cut->left ? rest : (size_t)cut->left;
}

/* Records of the page that are wanted; they come in the order in which they lie there. */
static void put_records(struct trc_cut *cut, struct trc_block *block)
{
	const struct stream_cursor *cursor = cut->cursor;
	const struct walk_record *wanted = cursor->block.records + cut->first;
	const struct walk_record *end = wanted + portion(cut);
	bool big_endian = cursor->data->layout.big_endian;
	struct subbuffer sub;
	struct record record;

	if (!open_input(cursor, &sub))
		return;
	while (wanted != end && subbuffer_next(&sub, big_endian, &record) == SUBBUFFER_RECORD) {
		if (record.payload != wanted->payload)
			continue;
		put_record(cut, block, &record, wanted == cursor->block.records ? cursor->missed : 0);
		wanted++;
	}
}

/* --- blocks ------------------------------------------------------------------------------------ */

/* A page that stays where it is. False: what the block has goes first. */
static bool take_in_place(struct trc_cut *cut, struct trc_block *block)
{
	const uint8_t *page = cut->cursor->page.bytes;

	if (cut->builder.end) {
		end_page(cut, block);
		return false;
	}
	if (block->size && (block->pages == block->own || block->pages + block->size != page ||
			    block->size >= block_bytes(block->page_size)))
		return false;
	if (!block->size)
		block->pages = page;
	block->size += block->page_size;
	return true;
}

/* False: the block is full, or of the other kind. */
static bool take_page(struct trc_cut *cut, struct trc_block *block)
{
	bool in_place = cut->whole && !cut->cursor->pages_pass && !block_packs(block);

	if (in_place ? block->size && block->pages == block->own :
		       block->pages != block->own || block->size >= block_bytes(block->page_size))
		return false;
	if (in_place)
		return take_in_place(cut, block);
	if (!cut->whole) {
		put_records(cut, block);
		return true;
	}
	end_page(cut, block);
	append_page(cut, block, cut->cursor->page.bytes);
	return true;
}

static int next_page(struct trc_cut *cut, struct trc_error *err)
{
	int rc;

	if (!cut->left) {
		cut->ended = true;
		return TRC_OK;
	}
	rc = walk_next_page(cut->walk, &cut->cursor, err);
	if (rc < 0)
		return -rc;
	if (rc == PAGE_STINT_OVER)
		return TRC_GO_ON;
	cut->ended = cut->over = rc == PAGE_END;
	if (!cut->ended) {
		cut->waits = true;
		cut->first = 0;
		cut->whole = is_whole(cut);
	}
	return TRC_OK;
}

/* The page is in the block, or as much of it as the bound allows: then it waits for another one. */
static void page_taken(struct trc_cut *cut)
{
	size_t taken = portion(cut);

	cut->records += taken;
	cut->first += taken;
	if (cut->left != UINT64_MAX)
		cut->left -= taken;
	cut->waits = cut->first < cut->cursor->block.count;
	cut->ended = cut->waits;
}

void trc_cut_limit(struct trc_cut *cut, uint64_t records)
{
	cut->left = records;
	cut->ended = cut->over;
	cut->whole = cut->waits && is_whole(cut);
}

/* Chunks are of one size but for the last: what is beyond a block goes into the next. */
static void keep_rest(struct trc_cut *cut, struct trc_block *block)
{
	uint64_t full = block_bytes(block->page_size);

	if (block->pages != block->own || block->size <= full)
		return;
	cut->rest_size = (uint32_t)(block->size - full);
	memcpy(cut->rest, block->own + full, cut->rest_size);
	block->size = full;
}

/* A block to be filled from the start, with what the last one had no room for. */
static int begin_block(struct trc_cut *cut, struct trc_block *block, struct trc_error *err)
{
	uint32_t page_size = cut->builder.page_size;
	int rc = block_reserve(block, page_size, block_bytes(page_size) + (uint64_t)PAGES_A_STEP * page_size,
			       err);

	if (rc)
		return rc;
	memcpy(block->own, cut->rest, cut->rest_size);
	block->size = cut->rest_size;
	cut->rest_size = 0;
	return TRC_OK;
}

static int fill_block(struct trc_cut *cut, struct trc_block *block, struct trc_error *err)
{
	int rc = walk_begin_stint(cut->walk, err);

	while (!rc && !cut->ended) {
		if (!cut->waits && (rc = next_page(cut, err)))
			return rc;
		if (cut->waits && !take_page(cut, block))
			return TRC_OK;
		if (cut->waits)
			page_taken(cut);
	}
	return rc;
}

int trc_cut_next(struct trc_cut *cut, struct trc_block *block, struct trc_error *err)
{
	int rc = cut->goes_on ? TRC_OK : begin_block(cut, block, err);

	if (!rc)
		rc = fill_block(cut, block, err);
	cut->goes_on = rc == TRC_GO_ON;
	if (rc)
		return rc;
	if (cut->ended && block->pages == block->own)
		end_page(cut, block);
	if (cut->overflown)
		return trc_fail(err, TRC_CORRUPT, cut->cursor->page.offset,
				"sub-buffer: its records do not fit %d pages", PAGES_A_STEP);
	keep_rest(cut, block);
	return TRC_OK;
}
