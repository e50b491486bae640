/* SPDX-License-Identifier: MIT */
/* What stands on either side of a comparison: a field, a number, a string, CPU, COMM. */
#include <stdlib.h>

#include "base/array.h"
#include "base/digits.h"
#include "base/error.h"
#include "filter/api.h"
#include "filter/compile.h"
#include "metadata/api.h"

static char *copy_text(struct text text)
{
	char *copy = malloc(text.size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text.start, text.size);
	copy[text.size] = '\0';
	return copy;
}

/* Remembers which names there are, and what they are to the events. */
static bool note_name(struct trc_filter *filter, struct text text, bool known, bool own_field)
{
	for (size_t i = 0; i < filter->name_count; i++) {
		struct name *name = &filter->names[i];

		if (text_equal((struct text){ name->text, name->size }, text)) {
			name->known |= known;
			name->own_field |= own_field;
			return true;
		}
	}
	if (filter->name_count == filter->name_room) {
		struct name *larger = array_grow(filter->names, &filter->name_room, 8, sizeof(*larger));

		if (!larger)
			return false;
		filter->names = larger;
	}
	filter->names[filter->name_count] = (struct name){ copy_text(text), text.size, known, own_field };
	if (!filter->names[filter->name_count].text)
		return false;
	filter->name_count++;
	return true;
}

/* "EVENT.FIELD": the field, if the event is this one. NULL: it is another, or has no such field. */
static const struct event_field *qualified_field(const struct event_format *event, struct text name)
{
	size_t size = event->name.size;

	if (name.size < size + 2 || memcmp(name.start, event->name.start, size) || name.start[size] != '.')
		return NULL;
	return event_own_field(event, text_skip(name, size + 1));
}

/* What a name stands for that is not a field. Columns have the record's own as common_comm and cpu. */
static enum operand_kind own_kind(struct text name)
{
	if (text_is(name, "COMM") || text_is(name, "common_comm"))
		return OPERAND_COMM;
	return text_is(name, "CPU") || text_is(name, "cpu") ? OPERAND_CPU : OPERAND_NONE;
}

static int read_name(struct filter_parser *parser, struct operand *out)
{
	struct text name = parser->lexer.token;
	const struct event_field *field = event_field_by_name(parser->event, name);

	if (!field)
		field = qualified_field(parser->event, name);
	if (field && field->flags & TRC_FIELD_OPAQUE) /* nothing to compare with */
		field = NULL;
	out->field = field;
	out->kind = field ? OPERAND_FIELD : own_kind(name);
	if (!note_name(parser->filter, name, out->kind != OPERAND_NONE,
		       field && field == event_own_field(parser->event, name)))
		return trc_fail_no_memory(parser->lexer.err);
	return TRC_OK;
}

/* As strtoull() with base 0, but to the end of the word. */
static int read_number(struct filter_parser *parser, uint64_t *out)
{
	struct text word = parser->lexer.token;
	size_t used;
	bool fits = digits_read(word, 0, out, &used);

	if (used < word.size)
		return filter_fault(&parser->lexer, "neither a number nor a field");
	if (!fits)
		return filter_fault(&parser->lexer, "a number of more than 64 bits");
	return TRC_OK;
}

static int copy_string(struct filter_parser *parser, struct operand *out)
{
	out->text_size = parser->lexer.token.size;
	out->text = copy_text(parser->lexer.token);
	return out->text ? TRC_OK : trc_fail_no_memory(parser->lexer.err);
}

int filter_read_operand(struct filter_parser *parser, struct operand *out)
{
	bool minus = filter_at(&parser->lexer, "-");
	int rc;

	*out = (struct operand){ .kind = OPERAND_NUMBER };
	if (minus && (rc = filter_next(&parser->lexer)))
		return rc;
	if (parser->lexer.kind == KIND_WORD && is_digit(*parser->lexer.token.start)) {
		rc = read_number(parser, &out->number);
		out->number = minus ? 0 - out->number : out->number;
	} else if (minus) {
		return filter_fault(&parser->lexer, "'-' without a number");
	} else if (parser->lexer.kind == KIND_WORD) {
		rc = read_name(parser, out);
	} else if (parser->lexer.kind == KIND_CHARACTERS && parser->lexer.token.size == 1) {
		out->number = (uint8_t)*parser->lexer.token.start;
		out->character = true;
		rc = copy_string(parser, out);
	} else if (parser->lexer.kind == KIND_STRING || parser->lexer.kind == KIND_CHARACTERS) {
		out->kind = OPERAND_TEXT;
		rc = copy_string(parser, out);
	} else {
		return filter_fault(&parser->lexer, "a field, a number or a string is expected");
	}
	return rc ? rc : filter_next(&parser->lexer);
}
