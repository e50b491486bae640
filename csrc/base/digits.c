/* SPDX-License-Identifier: MIT */
#include "base/digits.h"

/* How many characters "0x" takes, where a digit follows; else 0. */
static size_t hex_prefix(struct text text)
{
	return text.size > 2 && text.start[0] == '0' && (text.start[1] == 'x' || text.start[1] == 'X') &&
			       digit_value(text.start[2]) < 16 ?
		       2 :
		       0;
}

bool digits_read(struct text text, unsigned base, uint64_t *out, size_t *used)
{
	size_t start = base == 0 || base == 16 ? hex_prefix(text) : 0, i;
	bool fits = true;

	if (!base)
		base = start ? 16 : text.size && *text.start == '0' ? 8 : 10;
	*out = 0;
	for (i = start; i < text.size; i++) {
		unsigned digit = digit_value(text.start[i]);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(*out, base, out) || __builtin_add_overflow(*out, digit, out))
			fits = false;
	}
	if (!fits)
		*out = UINT64_MAX;
	*used = i;
	return fits;
}

bool text_number(struct text word, uint64_t max, uint64_t *out)
{
	uint64_t value;
	size_t used;

	if (!digits_read(word, 0, &value, &used) || !used || value > max)
		return false;
	*out = value;
	return true;
}

/* kallsyms has a hundred thousand of these. */
bool text_hex(struct text text, uint64_t *out, size_t *used)
{
	size_t start = hex_prefix(text), i;
	uint64_t value = 0;

	for (i = start; i < text.size; i++) {
		unsigned digit = digit_value(text.start[i]);

		if (digit > 15)
			break;
		if (i - start == 16)
			return false;
		value = value << 4 | digit;
	}
	if (i == start)
		return false;
	*out = value;
	*used = i;
	return true;
}
