/* SPDX-License-Identifier: MIT */
/* The comparisons of a compiled filter: of numbers in number.c, of texts in string.c. */
#ifndef TRC_FILTER_COMPARE_H
#define TRC_FILTER_COMPARE_H

#include "base/byteorder.h"
#include "filter/api.h"
#include "filter/program.h"
#include "metadata/api.h"

/* The field lies in the payload; its caller has looked. */
static inline uint64_t filter_field_number(const struct event_field *field, const uint8_t *payload,
					   bool big_endian)
{
	uint64_t value = load_uint(payload + field->offset, field->size, big_endian);

	if (!(field->flags & TRC_FIELD_SIGNED))
		return value;
	switch (field->size) {
	case 1:
		return (uint64_t)(int8_t)value;
	case 2:
		return (uint64_t)(int16_t)value;
	case 4:
		return (uint64_t)(int32_t)value;
	default:
		return value;
	}
}

/* Put 1 into pass for each record that code holds for, else 0. */
void filter_compare_numbers(const struct trc_filter *filter, const struct code *code,
			    const struct filter_rows *rows, uint8_t *pass);
void filter_compare_texts(const struct trc_filter *filter, const struct code *code,
			  const struct filter_rows *rows, uint8_t *pass);

#endif
