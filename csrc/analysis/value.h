/* SPDX-License-Identifier: MIT */
/* A field's value that outlives its record: a number, or a text's number. */
#ifndef TRC_ANALYSIS_VALUE_H
#define TRC_ANALYSIS_VALUE_H

#include "analysis/key_map.h"
#include "columns/field_access.h"

/* Where a field is in an event of a file. */
struct value_place {
	bool has; /* the event has it */
	struct field_access access;
};

struct value {
	bool has; /* it lies in its record */
	uint64_t number;
};

/*
 * Looks a field up and joins its type with that of other files. TRC_ARGUMENT: it is neither a number nor a
 * text, or of another kind than elsewhere. Where event is NULL, or has no such field, there is no value.
 */
int value_find(const struct analysis_file *file, const struct event_format *event, const char *field,
	       struct value_place *place, struct column_type *type, bool *found, struct trc_error *err);

/* false: there is no room for a text. */
bool value_load(struct trc_analysis *analysis, struct text_table *texts, const struct value_place *place,
		const struct walk_record *record, bool big_endian, struct value *out);

/* A value, or null, into a column of the type that value_find() made. */
void row_value(struct trc_analysis *analysis, size_t column, const struct text_table *texts,
	       struct value value);

TRC_INLINE uint64_t value_integer(const struct field_access *access, const uint8_t *payload, bool big_endian)
{
	uint64_t value = load_uint(payload + access->offset, access->width, big_endian);
	unsigned unused = 64 - 8 * access->width;

	return access->is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

#endif
