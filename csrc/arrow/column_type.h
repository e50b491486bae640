/* SPDX-License-Identifier: MIT */
/* What a column's values are, and thus which Arrow type it has. */
#ifndef TRC_ARROW_COLUMN_TYPE_H
#define TRC_ARROW_COLUMN_TYPE_H

#include "base/internal.h"

enum column_shape {
	SHAPE_INTEGER,
	SHAPE_BOOL,
	SHAPE_TIMESTAMP,
	SHAPE_UTC,	/* the same of wall time */
	SHAPE_DURATION, /* ns since some beginning */
	SHAPE_TEXT,
	SHAPE_BINARY,
	SHAPE_FIXED_BINARY, /* length bytes */
	SHAPE_FIXED_LIST,   /* length integers */
	SHAPE_LIST,	    /* integers */
	SHAPE_BITS,	    /* uint32: the numbers of the bits set */
	SHAPE_TEXT_LIST,    /* texts, of which some may be null */
};

struct column_type {
	uint8_t shape; /* enum column_shape */
	uint8_t width; /* of an integer: 1, 2, 4, 8 */
	bool is_signed;
	bool dictionary; /* of texts: int32 indices */
	bool binary;	 /* of texts: their bytes as they are */
	uint32_t length;
};

struct column_type column_type_integer(enum column_shape shape, unsigned width, bool is_signed);

/* What times are: numbers, durations, wall time, or, if nothing is asked for, time stamps of any clock: an enum column_shape. */
uint8_t column_time_shape(bool plain, bool duration, bool utc);

/* One type that holds both, for a column with fields of several events. false: there is none. */
bool column_type_join(struct column_type *type, struct column_type other);

#endif
