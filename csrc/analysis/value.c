/* SPDX-License-Identifier: MIT */
#include "analysis/value.h"

#include <string.h>

#include "base/error.h"
#include "columns/field.h"

int value_find(const struct analysis_file *file, const struct event_format *event, const char *name,
	       struct value_place *place, struct column_type *type, bool *found, struct trc_error *err)
{
	const struct event_field *field =
		event ? event_field_by_name(event, (struct text){ name, strlen(name) }) : NULL;
	struct column_type own;

	*place = (struct value_place){ 0 };
	if (!field)
		return TRC_OK;
	place->has = true;
	place->access = field_access_of(event, field, file->long_size, 0);
	own = place->access.type;
	if (own.shape != SHAPE_INTEGER && own.shape != SHAPE_BOOL && own.shape != SHAPE_TEXT)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"analysis: field %s of %.*s is neither a number nor a text", name,
				(int)event->name.size, event->name.start);
	if (own.shape == SHAPE_TEXT)
		own.dictionary = false;
	else if (own.shape == SHAPE_BOOL)
		place->access.width = 1;
	if (!*found)
		*type = own;
	else if (own.shape != type->shape || !column_type_join(type, own))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"analysis: field %s of %.*s is of another type elsewhere", name,
				(int)event->name.size, event->name.start);
	*found = true;
	return TRC_OK;
}

bool value_load(struct trc_analysis *analysis, struct text_table *texts, const struct value_place *place,
		const struct walk_record *record, bool big_endian, struct value *out)
{
	const struct field_access *access = &place->access;
	const uint8_t *bytes;
	uint32_t size;

	*out = (struct value){ 0 };
	if (!place->has)
		return true;
	if (access->type.shape != SHAPE_TEXT) {
		out->has = record->size >= access->width && access->offset <= record->size - access->width;
		if (out->has)
			out->number = value_integer(access, record->payload, big_endian);
		return true;
	}
	if (!column_find_bytes(record->payload, record->size, access, big_endian, &bytes, &size))
		return true;
	if (size && memchr(bytes, 0, size))
		size = (uint32_t)((const uint8_t *)memchr(bytes, 0, size) - bytes);
	out->number = text_table_add(texts, analysis, (struct text){ (const char *)bytes, size });
	out->has = true;
	return out->number != KEY_NONE;
}

void row_value(struct trc_analysis *analysis, size_t column, const struct text_table *texts,
	       struct value value)
{
	struct column_type type = analysis->builders[column].type;
	uint8_t byte = (uint8_t)value.number;
	uint16_t half = (uint16_t)value.number;

	if (!value.has)
		row_null(analysis, column);
	else if (type.shape == SHAPE_TEXT)
		row_text(analysis, column, texts->texts[value.number]);
	else if (type.shape == SHAPE_BOOL)
		row_bool(analysis, column, value.number);
	else if (type.width == 1)
		row_bytes(analysis, column, &byte, 1);
	else if (type.width == 2)
		row_bytes(analysis, column, &half, 2);
	else if (type.width == 4)
		row_u32(analysis, column, (uint32_t)value.number);
	else
		row_u64(analysis, column, value.number);
}
