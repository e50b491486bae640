/* SPDX-License-Identifier: MIT */
/* Reading numbers, and what names are made of. By hand: isalnum() and its like ask the locale. */
#ifndef TRC_BASE_DIGITS_H
#define TRC_BASE_DIGITS_H

#include "base/text.h"

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters, digits and _ : of names and numbers. */
static inline bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/* White space but for the newline. */
static inline bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}

/* Of a hexadecimal digit; 16: it is not one. */
TRC_INLINE unsigned digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/*
 * A number from the start of text, as strtoull(3) takes it, but without blanks or a sign. base 0: as C
 * spells it, decimal, 0x, or octal with a leading 0. *used counts characters, 0: there is no number.
 * false: it has more than 64 bits; *out is UINT64_MAX then.
 */
bool digits_read(struct text text, unsigned base, uint64_t *out, size_t *used);

/* As C spells it, at the start of a word. false: there is no number, or it is above max. */
bool text_number(struct text word, uint64_t max, uint64_t *out);

/* 1 to 16 hexadecimal digits at the start of text, 0x allowed; *used counts characters. */
bool text_hex(struct text text, uint64_t *out, size_t *used);

#endif
