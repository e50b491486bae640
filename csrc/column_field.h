/* SPDX-License-Identifier: MIT */
/*
 * Fields of records into a column, each from many records at a time: what to do with a field is
 * looked at once for all of them, and the loops over them do little else than load and store.
 */
#ifndef TRC_COLUMN_FIELD_H
#define TRC_COLUMN_FIELD_H

#include "arrow.h"
#include "walk.h"

#define CACHE_SLOT_BITS 9
#define CACHE_SLOTS (1 << CACHE_SLOT_BITS)

/* What was looked up in a dictionary lately: of texts of 16 bytes those. */
struct cache_slot {
	uint64_t a, b;
	uint32_t number;		/* index + 1; 0: free */
};

/* Records of one event of one file, in the columns' order. */
struct column_rows {
	const struct walk_record *records;
	size_t count;
	uint32_t min_size;		/* the shortest payload's */
	bool big_endian;
};

/* All give false when memory is short. cache: [CACHE_SLOTS], of dictionaries only. */
bool column_put_field(struct column_builder *builder, struct cache_slot *cache,
		      const struct column_rows *rows, const struct field_access *access);
bool column_put_integers(struct column_builder *builder, const struct column_rows *rows,
			 const struct field_access *access);
bool column_put_nulls(struct column_builder *builder, size_t count);

#endif
