/* SPDX-License-Identifier: MIT */
#include "arrow/column_type.h"

struct column_type column_type_integer(enum column_shape shape, unsigned width, bool is_signed)
{
	return (struct column_type){
		.shape = (uint8_t)shape,
		.width = (uint8_t)width,
		.is_signed = is_signed,
	};
}

uint8_t column_time_shape(bool plain, bool duration, bool utc)
{
	if (plain)
		return SHAPE_INTEGER;
	if (duration)
		return SHAPE_DURATION;
	return utc ? SHAPE_UTC : SHAPE_TIMESTAMP;
}

static bool join_integers(struct column_type *type, struct column_type other)
{
	struct column_type *wide = type->width >= other.width ? type : &other;
	const struct column_type *narrow = wide == type ? &other : type;
	bool is_signed = type->is_signed || other.is_signed;
	uint8_t width = wide->width;

	/* An unsigned one among the signed needs a bit more. */
	if (is_signed && !wide->is_signed)
		width = (uint8_t)(2 * width);
	else if (is_signed && !narrow->is_signed && narrow->width == width)
		width = (uint8_t)(2 * width);
	if (width > 8)
		return false;
	type->width = width;
	type->is_signed = is_signed;
	return true;
}

bool column_type_join(struct column_type *type, struct column_type other)
{
	if (type->shape == SHAPE_BOOL && other.shape == SHAPE_INTEGER)
		*type = column_type_integer(SHAPE_INTEGER, 1, false);
	else if (other.shape == SHAPE_BOOL && type->shape == SHAPE_INTEGER)
		other = column_type_integer(SHAPE_INTEGER, 1, false);
	if (type->shape == SHAPE_INTEGER && other.shape == SHAPE_INTEGER)
		return join_integers(type, other);
	if (type->shape == SHAPE_TEXT && other.shape == SHAPE_TEXT) {
		type->dictionary = type->dictionary && other.dictionary;
		return true;
	}
	return type->shape == other.shape && type->width == other.width &&
	       type->is_signed == other.is_signed && type->length == other.length;
}
