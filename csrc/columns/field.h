/* SPDX-License-Identifier: MIT */
/*
 * Fields of records into a column, each from many records at a time: what to do with a field is
 * looked at once for all of them, and the loops over them do little else than load and store.
 */
#ifndef TRC_COLUMNS_FIELD_H
#define TRC_COLUMNS_FIELD_H

#include "arrow/builder.h"
#include "base/lookup_cache.h"
#include "columns/field_access.h"
#include "columns/gather.h"

/* Records of one event of one file, in the columns' order. */
struct column_rows {
	const struct walk_record *records;
	size_t count;
	uint32_t min_size; /* the shortest payload's */
	bool big_endian;
};

/* All give false when memory is short. cache: of dictionaries only, the texts' indices. */
bool column_put_field(struct column_builder *builder, struct lookup_cache *cache,
		      const struct column_rows *rows, const struct field_access *access);
bool column_put_nulls(struct column_builder *builder, size_t count);

/* The bytes of a value of texts, lists and bytes; false: they do not all lie within the record. */
bool column_find_bytes(const uint8_t *payload, uint32_t payload_size, const struct field_access *access,
		       bool big_endian, const uint8_t **bytes, uint32_t *size);

/* Are the values integers that can be taken as they are? Then they are had with other columns'. */
bool column_is_gathered(const struct column_builder *builder, const struct column_rows *rows,
			const struct field_access *access);
bool column_gather(struct column_builder *builder, const struct column_rows *rows,
		   const struct field_access *access, struct gathers *gathers);

#endif
