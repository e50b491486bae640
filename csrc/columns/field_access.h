/* SPDX-License-Identifier: MIT */
/* What a field becomes as a column, from the declaration in its format text, and where its values lie. */
#ifndef TRC_COLUMNS_FIELD_ACCESS_H
#define TRC_COLUMNS_FIELD_ACCESS_H

#include "arrow/column_type.h"
#include "metadata/event_format.h"

/* Where a field's value is in a record, and in what form. */
enum field_extent {
	EXTENT_FIXED,
	EXTENT_DYNAMIC,	 /* __data_loc: offset and length stand at the field's place */
	EXTENT_RELATIVE, /* __rel_loc */
	EXTENT_REST,	 /* up to the end of the record */
};

struct field_access {
	uint8_t extent; /* enum field_extent */
	uint8_t width;	/* of integers, as recorded */
	bool is_signed;
	uint32_t offset, size; /* of the fixed part */
	struct column_type type;
};

/* flags: enum trc_columns_flags. long_size: of the recording kernel. */
struct field_access field_access_of(const struct event_format *event, const struct event_field *field,
				    unsigned long_size, uint32_t flags);

/* common_flags and common_preempt_count, which all records have at one place: uint8. */
struct field_access field_access_of_common(struct event_place place);

#endif
