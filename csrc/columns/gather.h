/* SPDX-License-Identifier: MIT */
/*
 * Integers of many records into columns, several columns at a time: a record's address is looked up
 * once for all of them, and the loops do little else than load and store.
 */
#ifndef TRC_COLUMNS_GATHER_H
#define TRC_COLUMNS_GATHER_H

#include "base/byteorder.h"
#include "records/record.h"

#define GATHER_COLUMNS 4

/* Columns of one width, which is that of their fields as well. */
struct gather {
	unsigned count;
	struct gather_column {
		uint8_t *to;
		uint32_t offset; /* of the field, in all records */
	} columns[GATHER_COLUMNS];
};

/* Columns of all widths that wait for being gathered; a zeroed one has none. */
struct gathers {
	struct gather of_width[4]; /* 1, 2, 4 and 8 bytes */
};

/* There is room for all records at to, and they all are long enough. */
void gather_add(struct gathers *gathers, const struct walk_record *records, size_t count, bool big_endian,
		unsigned width, struct gather_column column);

/* What was added is in the columns only then. */
void gather_rest(struct gathers *gathers, const struct walk_record *records, size_t count, bool big_endian);

TRC_INLINE void store_uint(uint8_t *to, unsigned width, uint64_t value)
{
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;

	if (width == 1)
		memcpy(to, &byte, 1);
	else if (width == 2)
		memcpy(to, &half, 2);
	else if (width == 4)
		memcpy(to, &word, 4);
	else
		memcpy(to, &value, 8);
}

#endif
