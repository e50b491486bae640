/* SPDX-License-Identifier: MIT */
/* Comparisons of strings: a field, a symbol or a task's name with what stands in quotes. */
#include <inttypes.h>
#include <stdio.h>

#include "base/glob.h"
#include "base/pattern.h"
#include "filter/api.h"
#include "filter/compare.h"
#include "metadata/api.h"
#include "metadata/data_loc.h"

#define MEMO_SLOTS 16

static bool text_passes(const struct code *code, struct text text)
{
	struct text right = { code->right.text, code->right.text_size };

	switch (code->op) {
	case OP_EQ:
		return text_equal(text, right);
	case OP_NE:
		return !text_equal(text, right);
	case OP_REGEX:
		return pattern_fits(code->regex, text);
	case OP_NOT_REGEX:
		return !pattern_fits(code->regex, text);
	default:
		return glob_fits(right, text);
	}
}

/* Characters of a string field up to NUL; false: they are not in the record. */
static bool string_of(const struct event_field *field, const uint8_t *payload, uint32_t size, bool big_endian,
		      struct text *out)
{
	uint64_t from = field->offset, length = field->size;
	struct data_loc loc;
	const char *nul;

	if (length > size || from > size - length)
		return false;
	if (field->flags & TRC_FIELD_DYNAMIC) {
		if (!data_loc_load(payload + from, field->size, big_endian, &loc))
			return false;
		from = loc.offset + (field->flags & TRC_FIELD_RELATIVE ? from + field->size : 0);
		length = loc.length;
		if (length == DATA_LOC_NO_LENGTH)
			length = from < size ? size - from : 0;
		if (length > size || from > size - length)
			return false;
	} else if (!length) {
		length = size - from;
	}
	*out = (struct text){ (const char *)payload + from, length };
	nul = length ? memchr(out->start, 0, length) : NULL;
	if (nul)
		out->size = (size_t)(nul - out->start);
	return true;
}

/* A number as text: the function at that address, or the address. */
static bool number_text(const struct trc_filter *filter, const struct event_field *field,
			const uint8_t *payload, uint32_t size, char buffer[24], struct text *out)
{
	struct trc_symbol symbol;
	uint64_t value;

	if (field->size > size || field->offset > size - field->size)
		return false;
	value = filter_field_number(field, payload, filter->metadata->big_endian);
	if (filter_is_address(field) && filter->symbols &&
	    !trc_symbol_find(filter->symbols, value, &symbol, NULL)) {
		*out = (struct text){ symbol.name, symbol.name_size };
		return true;
	}
	*out = (struct text){ buffer, (size_t)snprintf(buffer, 24, "0x%" PRIx64, value) };
	return true;
}

static bool operand_text(const struct trc_filter *filter, const struct operand *operand,
			 const struct filter_rows *rows, size_t i, char buffer[24], struct text *out)
{
	bool big_endian = filter->metadata->big_endian;

	if (operand->kind == OPERAND_COMM) {
		int32_t pid = record_pid(filter->metadata->formats.common.pid, big_endian, rows->payload[i],
					 rows->size[i]);

		*out = saved_cmdlines_comm(&filter->metadata->cmdlines, pid);
		return true;
	}
	if (operand->field->flags & TRC_FIELD_STRING)
		return string_of(operand->field, rows->payload[i], rows->size[i], big_endian, out);
	return number_text(filter, operand->field, rows->payload[i], rows->size[i], buffer, out);
}

/* A few names stand in most records, and a regular expression takes its time. */
struct memo {
	char text[16];
	uint8_t size; /* + 1; 0: free */
	bool passes;
};

static bool passes_by_memo(const struct code *code, struct memo *memos, struct text text)
{
	struct memo *memo;

	if (text.size > sizeof(memo->text) || !text.size)
		return text_passes(code, text);
	memo = &memos[((uint8_t)text.start[0] * 7u + (uint8_t)text.start[text.size - 1] + text.size) %
		      MEMO_SLOTS];
	if (memo->size != text.size + 1 || memcmp(memo->text, text.start, text.size)) {
		memo->size = (uint8_t)(text.size + 1);
		memcpy(memo->text, text.start, text.size);
		memo->passes = text_passes(code, text);
	}
	return memo->passes;
}

void filter_compare_texts(const struct trc_filter *filter, const struct code *code,
			  const struct filter_rows *rows, uint8_t *pass)
{
	struct memo memos[MEMO_SLOTS] = { 0 };

	for (size_t i = 0; i < rows->count; i++) {
		char buffer[24];
		struct text text;

		pass[i] = operand_text(filter, &code->left, rows, i, buffer, &text) &&
			  (code->regex ? passes_by_memo(code, memos, text) : text_passes(code, text));
	}
}
