/* SPDX-License-Identifier: MIT */
/*
 * Whether the two sides of a comparison fit each other. Events differ in their fields, so that one
 * is enough that a comparison fits; a filter in which one fits none would select nothing in silence.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "filter/api.h"
#include "filter/compile.h"
#include "metadata/api.h"

enum sort {
	SORT_NONE, /* no field of this event */
	SORT_NUMBER,
	SORT_CHARACTER, /* one in single quotes, or a number of one byte */
	SORT_ADDRESS,	/* shown as the name of a function */
	SORT_TEXT,
	SORT_ARRAY, /* or whatever else has no value */
};

static enum sort sort_of_field(const struct event_field *field)
{
	if (field->flags & TRC_FIELD_STRING)
		return SORT_TEXT;
	if (field->flags & (TRC_FIELD_ARRAY | TRC_FIELD_DYNAMIC | TRC_FIELD_OPAQUE) ||
	    (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8))
		return SORT_ARRAY;
	if (field->flags & TRC_FIELD_POINTER ||
	    (field->flags & TRC_FIELD_LONG && !(field->flags & TRC_FIELD_SIGNED)))
		return SORT_ADDRESS;
	return field->size == 1 ? SORT_CHARACTER : SORT_NUMBER;
}

static enum sort sort_of(const struct operand *operand)
{
	switch (operand->kind) {
	case OPERAND_NONE:
		return SORT_NONE;
	case OPERAND_FIELD:
		return sort_of_field(operand->field);
	case OPERAND_TEXT:
	case OPERAND_COMM:
		return SORT_TEXT;
	default:
		return operand->character ? SORT_CHARACTER : SORT_NUMBER;
	}
}

/* libtraceevent compares the digits of a number with a text, but none with a regular expression. */
static bool is_hex_of_number(const struct trc_filter *filter, const struct code *code)
{
	return !(filter->flags & TRC_FILTER_STRICT) && code->op < OP_REGEX &&
	       !strncmp(code->right.text, "0x", 2);
}

static enum fit fit_of(const struct trc_filter *filter, const struct code *code)
{
	enum sort left = sort_of(&code->left), right = sort_of(&code->right);

	if (right == SORT_NONE)
		return FIT_NO_RIGHT;
	if (left == SORT_NONE)
		return FIT_NO_LEFT;
	if (left == SORT_ARRAY || right == SORT_ARRAY)
		return FIT_ARRAY;
	if (code->right.kind == OPERAND_TEXT)
		return left == SORT_TEXT || left == SORT_ADDRESS || is_hex_of_number(filter, code) ?
			       FIT_YES :
			       FIT_WANTS_NUMBER;
	if (left == SORT_TEXT)
		return FIT_WANTS_TEXT;
	if (right == SORT_TEXT)
		return FIT_WANTS_NUMBER;
	/* A character is compared with a byte: 'S' is the number 83, not a state. */
	if ((code->right.character && left != SORT_CHARACTER) ||
	    (code->left.character && right != SORT_CHARACTER))
		return FIT_WANTS_NUMBER;
	return FIT_YES;
}

static struct comparison *next_comparison(struct filter_parser *parser, const struct text spelling[2])
{
	struct trc_filter *filter = parser->filter;

	if (parser->comparison < filter->comparison_count) /* of an event before */
		return &filter->comparisons[parser->comparison++];
	if (filter->comparison_count == filter->comparison_room) {
		struct comparison *larger = array_grow(filter->comparisons, &filter->comparison_room, 8,
						       sizeof(*larger));

		if (!larger)
			return NULL;
		filter->comparisons = larger;
	}
	filter->comparisons[filter->comparison_count++] = (struct comparison){ spelling[0], spelling[1],
									       FIT_NO_LEFT };
	return &filter->comparisons[parser->comparison++];
}

int filter_check_comparison(struct filter_parser *parser, const struct code *code,
			    const struct text spelling[2], bool *can)
{
	struct comparison *comparison = next_comparison(parser, spelling);
	enum fit fit = fit_of(parser->filter, code);

	if (!comparison)
		return trc_fail_no_memory(parser->lexer.err);
	if (fit > comparison->fit)
		comparison->fit = fit;
	/* A number and a text are compared all the same: the digits differ from it. */
	*can = fit == FIT_YES || (fit == FIT_WANTS_NUMBER && code->right.kind == OPERAND_TEXT);
	return TRC_OK;
}

int trc_filter_comparison(const struct trc_filter *filter, size_t index, uint32_t *fits,
			  struct trc_error *err)
{
	static const char *const formats[] = {
		[FIT_NO_RIGHT] =
			"filter: no event with '%.*s' has a field '%.*s'; a number, a string in quotes "
			"or a field is expected on the right (character %zu)",
		[FIT_ARRAY] = "filter: '%.*s' and '%.*s' cannot be compared, one is an array (character %zu)",
		[FIT_WANTS_TEXT] = "filter: '%.*s' is text; a string in quotes is expected, not '%.*s' "
				   "(character %zu)",
		[FIT_WANTS_NUMBER] =
			"filter: '%.*s' is a number; a number is expected, not %.*s (character %zu)",
	};
	struct text left, right;
	enum fit fit;

	if (index >= filter->comparison_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: of %zu comparisons, not of %zu",
				filter->comparison_count, index + 1);
	fit = filter->comparisons[index].fit;
	*fits = fit == FIT_YES;
	if (*fits || fit == FIT_NO_LEFT)
		return TRC_OK;
	left = filter->comparisons[index].left;
	right = filter->comparisons[index].right;
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, formats[fit], left.size > 40 ? 40 : (int)left.size,
			left.start, right.size > 40 ? 40 : (int)right.size, right.start,
			(size_t)(right.start - filter->text.start) + 1);
}
