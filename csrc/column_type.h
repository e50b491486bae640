/* SPDX-License-Identifier: MIT */
/* What a field becomes as a column: from the declaration in its format text. */
#ifndef TRC_COLUMN_TYPE_H
#define TRC_COLUMN_TYPE_H

#include "event_format.h"

enum column_shape {
	SHAPE_INTEGER,
	SHAPE_BOOL,
	SHAPE_TIMESTAMP,
	SHAPE_TEXT,
	SHAPE_BINARY,
	SHAPE_FIXED_BINARY,	/* length bytes */
	SHAPE_FIXED_LIST,	/* length integers */
	SHAPE_LIST,		/* integers */
	SHAPE_BITS,		/* uint32: the numbers of the bits set */
};

struct column_type {
	uint8_t shape;		/* enum column_shape */
	uint8_t width;		/* of an integer: 1, 2, 4, 8 */
	bool is_signed;
	bool dictionary;	/* of a text: int32 indices */
	bool binary;		/* of a text: its bytes as they are */
	uint32_t length;
};

/* Where a field's value is in a record, and in what form. */
enum field_extent {
	EXTENT_FIXED,
	EXTENT_DYNAMIC,		/* __data_loc: offset and length stand at the field's place */
	EXTENT_RELATIVE,	/* __rel_loc */
	EXTENT_REST,		/* up to the end of the record */
};

struct field_access {
	uint8_t extent;		/* enum field_extent */
	uint8_t width;		/* of integers, as recorded */
	bool is_signed;
	uint32_t offset, size;	/* of the fixed part */
	struct column_type type;
};

/* flags: enum trc_columns_flags. long_size: of the recording kernel. */
struct field_access field_access_of(const struct event_format *event,
				    const struct event_field *field, unsigned long_size,
				    uint32_t flags);

/* common_flags and common_preempt_count, which all records have at one place: uint8. */
struct field_access field_access_of_common(struct event_place place);

/* One type that holds both, for a column with fields of several events. false: there is none. */
bool column_type_join(struct column_type *type, struct column_type other);

#endif
