/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/digits.h"
#include "perfetto/api.h"
#include "perfetto/schema.h"

const char *trc_perfetto_event(size_t index)
{
	return index < schema_table.count ? schema_table.events[index] : NULL;
}

/* "NAME=NUMBER" at the start of a text, and what comes behind. */
static struct text cut_name(struct text *rest, uint32_t *number)
{
	struct text name = *rest;
	uint64_t value = 0;
	size_t used = 0, size = 0;

	while (size < name.size && name.start[size] != '=')
		size++;
	name.size = size;
	*rest = text_skip(*rest, size < rest->size ? size + 1 : size);
	digits_read(*rest, 10, &value, &used);
	*rest = text_skip(*rest, used);
	*number = (uint32_t)value;
	return name;
}

uint32_t schema_find(struct text name)
{
	size_t low = 0, high = schema_table.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *event = schema_table.events[middle];
		int order = text_compare(name, (struct text){ event, strcspn(event, "=") });

		if (!order)
			return (uint32_t)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return SCHEMA_NONE;
}

uint32_t schema_number(uint32_t event, struct text *fields)
{
	const char *line = schema_table.events[event];
	uint32_t number;

	*fields = (struct text){ line, strlen(line) };
	cut_name(fields, &number);
	return number;
}

bool schema_next_field(struct text *fields, struct schema_field *field)
{
	*fields = text_skip_blanks(*fields);
	if (!fields->size)
		return false;
	field->name = cut_name(fields, &field->number);
	field->type = *fields->start;
	*fields = text_skip(*fields, 1);
	field->repeated = fields->size && *fields->start == '*';
	if (field->repeated)
		*fields = text_skip(*fields, 1);
	return true;
}
