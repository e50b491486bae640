/* SPDX-License-Identifier: MIT */
#include "columns/gather.h"

/* One value of a column that there is. */
TRC_INLINE void put(bool there, struct gather_column column, size_t row, const uint8_t *payload,
		    unsigned width, bool big_endian)
{
	if (there)
		store_uint(column.to + width * row, width,
			   load_uint(payload + column.offset, width, big_endian));
}

/* With constants for the number of columns, width and byte order. */
TRC_INLINE void gather_as(const struct gather *gather, unsigned count, const struct walk_record *records,
			  size_t rows, unsigned width, bool big_endian)
{
	const struct gather_column a = gather->columns[0], b = gather->columns[1], c = gather->columns[2],
				   d = gather->columns[3];

	for (size_t i = 0; i < rows; i++) {
		const uint8_t *payload = records[i].payload;

		put(true, a, i, payload, width, big_endian);
		put(count > 1, b, i, payload, width, big_endian);
		put(count > 2, c, i, payload, width, big_endian);
		put(count > 3, d, i, payload, width, big_endian);
	}
}

TRC_INLINE void gather_width(const struct gather *gather, const struct walk_record *records, size_t rows,
			     unsigned width, bool big_endian)
{
	switch (gather->count) {
	case 4:
		gather_as(gather, 4, records, rows, width, big_endian);
		break;
	case 3:
		gather_as(gather, 3, records, rows, width, big_endian);
		break;
	case 2:
		gather_as(gather, 2, records, rows, width, big_endian);
		break;
	case 1:
		gather_as(gather, 1, records, rows, width, big_endian);
	}
}

/* A loop of its own for each width and byte order. */
static void run(struct gather *gather, const struct walk_record *records, size_t rows, unsigned width,
		bool big_endian)
{
	if (width == 1)
		gather_width(gather, records, rows, 1, false);
	else if (width == 2)
		big_endian ? gather_width(gather, records, rows, 2, true) :
			     gather_width(gather, records, rows, 2, false);
	else if (width == 4)
		big_endian ? gather_width(gather, records, rows, 4, true) :
			     gather_width(gather, records, rows, 4, false);
	else
		big_endian ? gather_width(gather, records, rows, 8, true) :
			     gather_width(gather, records, rows, 8, false);
	gather->count = 0;
}

static unsigned index_of(unsigned width)
{
	return width == 8 ? 3 : width >> 1;
}

void gather_add(struct gathers *gathers, const struct walk_record *records, size_t count, bool big_endian,
		unsigned width, struct gather_column column)
{
	struct gather *gather = &gathers->of_width[index_of(width)];

	gather->columns[gather->count++] = column;
	if (gather->count == GATHER_COLUMNS)
		run(gather, records, count, width, big_endian);
}

void gather_rest(struct gathers *gathers, const struct walk_record *records, size_t count, bool big_endian)
{
	for (unsigned width = 1; width <= 8; width *= 2) {
		struct gather *gather = &gathers->of_width[index_of(width)];

		if (gather->count)
			run(gather, records, count, width, big_endian);
	}
}
