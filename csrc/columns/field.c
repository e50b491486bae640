/* SPDX-License-Identifier: MIT */
#include "columns/field.h"

#include <stdlib.h>
#include <string.h>

#include "metadata/data_loc.h"

#define BITMASK_MAX 8192 /* bytes of a bitmask: eight times what the largest kernel has */

/* --- integers -------------------------------------------------------------------------------- */

static uint64_t load_integer(const uint8_t *p, unsigned width, bool is_signed, bool big_endian)
{
	uint64_t value = load_uint(p, width, big_endian);
	unsigned unused = 64 - 8 * width;

	return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

/* Where count more integers go; NULL: out of memory. */
static uint8_t *make_room(struct column_builder *builder, size_t count)
{
	return arrow_buffer_append(&builder->values, builder->type.width * count);
}

bool column_is_gathered(const struct column_builder *builder, const struct column_rows *rows,
			const struct field_access *access)
{
	return builder->type.shape == SHAPE_INTEGER && builder->type.width == access->width &&
	       rows->min_size >= access->offset + access->width;
}

bool column_gather(struct column_builder *builder, const struct column_rows *rows,
		   const struct field_access *access, struct gathers *gathers)
{
	struct gather_column column = { make_room(builder, rows->count), access->offset };

	if (!column.to)
		return false;
	gather_add(gathers, rows->records, rows->count, rows->big_endian, access->width, column);
	return true;
}

static bool put_integers(struct column_builder *builder, const struct column_rows *rows,
			 const struct field_access *access)
{
	unsigned width = builder->type.width;
	uint32_t offset = access->offset, end = offset + access->width;
	const struct walk_record *records = rows->records;
	bool big_endian = rows->big_endian;
	uint8_t *to = make_room(builder, rows->count);

	if (!to)
		return false;
	for (size_t i = 0; i < rows->count; i++) {
		bool fits = records[i].size >= end;
		uint64_t value = fits ? load_integer(records[i].payload + offset, access->width,
						     access->is_signed, big_endian) :
					0;

		store_uint(to + width * i, width, value);
		if (!fits && !column_builder_null(builder, builder->rows + i))
			return false;
	}
	return true;
}

static bool put_bools(struct column_builder *builder, const struct column_rows *rows,
		      const struct field_access *access)
{
	uint8_t *to = arrow_buffer_append(&builder->values, rows->count);

	if (!to)
		return false;
	for (size_t i = 0; i < rows->count; i++) {
		bool fits = rows->records[i].size > access->offset;

		to[i] = fits && rows->records[i].payload[access->offset];
		if (!fits && !column_builder_null(builder, builder->rows + i))
			return false;
	}
	return true;
}

/* --- bytes and texts ------------------------------------------------------------------------- */

/* Where a field with a __data_loc says that its value is. false: the record does not tell. */
static bool find_dynamic(const uint8_t *payload, uint32_t payload_size, const struct field_access *access,
			 bool big_endian, uint64_t *at, uint32_t *length)
{
	uint64_t base = access->extent == EXTENT_RELATIVE ? *at + access->size : 0;
	struct data_loc loc;

	if (!data_loc_load(payload + *at, access->size, big_endian, &loc))
		return false;
	*at = base + loc.offset;
	*length = loc.length;
	if (loc.length == DATA_LOC_NO_LENGTH) {
		*length = *at < payload_size ? payload_size - (uint32_t)*at : 0;
		return access->type.shape == SHAPE_TEXT;
	}
	return true;
}

bool column_find_bytes(const uint8_t *payload, uint32_t payload_size, const struct field_access *access,
		       bool big_endian, const uint8_t **bytes, uint32_t *size)
{
	uint64_t at = access->offset;
	uint32_t length = access->size;

	if (length > payload_size || at > payload_size - length)
		return false;
	if (access->extent == EXTENT_REST)
		length = payload_size - (uint32_t)at;
	else if (access->extent != EXTENT_FIXED &&
		 !find_dynamic(payload, payload_size, access, big_endian, &at, &length))
		return false;
	if (length > payload_size || at > payload_size - length)
		return false;
	*bytes = payload + at;
	*size = length;
	return true;
}

static uint32_t length_to_nul(const uint8_t *text, uint32_t size)
{
	const uint8_t *nul = size ? memchr(text, 0, size) : NULL;

	return nul ? (uint32_t)(nul - text) : size;
}

static bool put_bytes(struct column_builder *builder, const struct column_rows *rows,
		      const struct field_access *access)
{
	bool text = builder->type.shape == SHAPE_TEXT;

	for (size_t i = 0; i < rows->count; i++) {
		const uint8_t *bytes = NULL;
		uint32_t size = 0;

		if (!column_find_bytes(rows->records[i].payload, rows->records[i].size, access,
				       rows->big_endian, &bytes, &size)) {
			if (!column_builder_null(builder, builder->rows + i))
				return false;
		} else if (text) {
			size = length_to_nul(bytes, size);
		}
		if (!column_builder_bytes(builder, bytes, size))
			return false;
	}
	return true;
}

/* A text that was not looked up lately; UINT32_MAX: out of memory. */
static uint32_t miss_16(struct column_builder *builder, struct lookup_slot *slot, const uint8_t *text)
{
	uint32_t index = column_builder_index(builder, text, length_to_nul(text, 16));

	if (index == UINT32_MAX)
		return index;
	memcpy(&slot->a, text, 8);
	memcpy(&slot->b, text + 8, 8);
	slot->number = index;
	return index;
}

/* Texts of 16 bytes are found by these, whatever is after the NUL. */
static bool put_indices_16(struct column_builder *builder, struct lookup_cache *cache,
			   const struct column_rows *rows, uint32_t offset, uint32_t *to)
{
	const struct walk_record *records = rows->records;

	for (size_t i = 0, count = rows->count; i < count; i++) {
		const uint8_t *text = records[i].payload + offset;
		struct lookup_slot *slot;
		uint64_t a, b;

		memcpy(&a, text, 8);
		memcpy(&b, text + 8, 8);
		slot = lookup_slot_of(cache, a, b);
		to[i] = slot->number;
		if (!lookup_slot_has(slot, a, b) && (to[i] = miss_16(builder, slot, text)) == UINT32_MAX)
			return false;
	}
	return true;
}

static bool put_index(struct column_builder *builder, const struct walk_record *record,
		      const struct field_access *access, bool big_endian, size_t row, uint32_t *to)
{
	const uint8_t *bytes;
	uint32_t size;

	*to = 0;
	if (!column_find_bytes(record->payload, record->size, access, big_endian, &bytes, &size))
		return column_builder_null(builder, row);
	*to = column_builder_index(builder, bytes, length_to_nul(bytes, size));
	return *to != UINT32_MAX;
}

static bool put_indices(struct column_builder *builder, struct lookup_cache *cache,
			const struct column_rows *rows, const struct field_access *access)
{
	uint32_t *to = (void *)arrow_buffer_append(&builder->values, sizeof(*to) * rows->count);

	if (!to)
		return false;
	if (TRC_LIKELY(access->extent == EXTENT_FIXED && access->size == 16 &&
		       rows->min_size >= access->offset + 16))
		return put_indices_16(builder, cache, rows, access->offset, to);
	for (size_t i = 0; i < rows->count; i++) {
		if (!put_index(builder, &rows->records[i], access, rows->big_endian, builder->rows + i,
			       &to[i]))
			return false;
	}
	return true;
}

/* --- lists ----------------------------------------------------------------------------------- */

/* Elements recorded in width bytes, as_width each in the column; there is room. */
static void put_elements(struct arrow_buffer *values, const uint8_t *bytes, uint32_t count, unsigned width,
			 unsigned as_width, bool big_endian)
{
	uint8_t *to = values->data + values->size;

	for (uint32_t i = 0; i < count; i++)
		store_uint(to + (size_t)as_width * i, as_width,
			   load_uint(bytes + (size_t)width * i, width, big_endian));
	values->size += (size_t)as_width * count;
}

/* Binary or list of a fixed length. */
static bool put_fixed(struct column_builder *builder, const struct column_rows *rows,
		      const struct field_access *access)
{
	size_t length = column_row_size(builder->type);
	unsigned width = builder->type.shape == SHAPE_FIXED_LIST ? builder->type.width : 1;

	if (!arrow_buffer_reserve(&builder->values, length * rows->count))
		return false;
	for (size_t i = 0; i < rows->count; i++) {
		const uint8_t *bytes;
		uint32_t size;

		if (column_find_bytes(rows->records[i].payload, rows->records[i].size, access,
				      rows->big_endian, &bytes, &size)) {
			put_elements(&builder->values, bytes, size / width, width, width, rows->big_endian);
			continue;
		}
		memset(builder->values.data + builder->values.size, 0, length);
		builder->values.size += length;
		if (!column_builder_null(builder, builder->rows + i))
			return false;
	}
	return true;
}

/* A stack that is shorter than its array ends with -1. */
static uint32_t stack_length(const uint8_t *bytes, uint32_t count, unsigned width, bool big_endian)
{
	uint64_t end = width == 8 ? UINT64_MAX : UINT32_MAX;

	for (uint32_t i = 0; i < count; i++) {
		if (load_uint(bytes + (size_t)width * i, width, big_endian) == end)
			return i;
	}
	return count;
}

static bool put_bits(struct arrow_buffer *values, const uint8_t *bytes, uint32_t size, unsigned long_size,
		     bool big_endian)
{
	for (uint32_t at = 0; at < size; at++) {
		/* Bits are numbered within words, of which big-endian ones begin with the last bits. */
		uint32_t word = at / long_size * long_size, in_word = at % long_size;
		uint32_t byte = word + (big_endian ? long_size - 1 - in_word : in_word);
		uint8_t bits = byte < size ? bytes[byte] : 0;

		if (!bits)
			continue;
		if (!arrow_buffer_reserve(values, 8 * sizeof(uint32_t)))
			return false;
		for (uint32_t bit = 0; bit < 8; bit++) {
			if (bits >> bit & 1) {
				store_uint(values->data + values->size, 4, 8 * at + bit);
				values->size += sizeof(uint32_t);
			}
		}
	}
	return true;
}

static bool put_lists(struct column_builder *builder, const struct column_rows *rows,
		      const struct field_access *access)
{
	bool bits = builder->type.shape == SHAPE_BITS, big_endian = rows->big_endian;
	unsigned width = access->width, as_width = builder->type.width;

	for (size_t i = 0; i < rows->count; i++) {
		const uint8_t *bytes;
		uint32_t size;

		if (!column_find_bytes(rows->records[i].payload, rows->records[i].size, access, big_endian,
				       &bytes, &size) ||
		    (bits && size > BITMASK_MAX)) {
			if (!column_builder_null(builder, builder->rows + i))
				return false;
		} else if (bits) {
			if (!put_bits(&builder->values, bytes, size, width, big_endian))
				return false;
		} else {
			uint32_t count = size / width;

			if (access->extent == EXTENT_REST)
				count = stack_length(bytes, count, width, big_endian);
			if (!arrow_buffer_reserve(&builder->values, (size_t)as_width * count))
				return false;
			put_elements(&builder->values, bytes, count, width, as_width, big_endian);
		}
		if (!column_builder_end_row(builder))
			return false;
	}
	return true;
}

/* --- all ------------------------------------------------------------------------------------- */

bool column_put_nulls(struct column_builder *builder, size_t count)
{
	size_t size = column_row_size(builder->type);
	uint8_t *to = arrow_buffer_append(&builder->values, size * count);

	if (!to)
		return false;
	memset(to, 0, size * count);
	for (size_t i = 0; i < count; i++) {
		if (!column_builder_null(builder, builder->rows + i) ||
		    (!size && !column_builder_end_row(builder)))
			return false;
	}
	return true;
}

bool column_put_field(struct column_builder *builder, struct lookup_cache *cache,
		      const struct column_rows *rows, const struct field_access *access)
{
	switch (builder->type.shape) {
	case SHAPE_INTEGER:
		return put_integers(builder, rows, access);
	case SHAPE_BOOL:
		return put_bools(builder, rows, access);
	case SHAPE_FIXED_BINARY:
	case SHAPE_FIXED_LIST:
		return put_fixed(builder, rows, access);
	case SHAPE_LIST:
	case SHAPE_BITS:
		return put_lists(builder, rows, access);
	default:
		return builder->type.dictionary ? put_indices(builder, cache, rows, access) :
						  put_bytes(builder, rows, access);
	}
}
