/* SPDX-License-Identifier: MIT */
#include "metadata/scanner.h"

/* By hand: isalnum() asks the locale, and must not be given bytes above 127. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static unsigned digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* From behind the opening quote to behind the closing one. */
static enum token scan_quoted(struct scanner *s, char quote)
{
	const char *start = s->pos, *p = start;

	while (p < s->end && *p != quote)
		p += *p == '\\' && s->end - p > 1 ? 2 : 1;	/* an escaped quote ends nothing */
	if (p >= s->end) {
		s->text = (struct text){ start - 1, (size_t)(s->end - start) + 1 };
		s->pos = s->end;
		return TOKEN_OTHER;
	}
	s->text = (struct text){ start, (size_t)(p - start) };
	s->pos = p + 1;
	return quote == '"' ? TOKEN_STRING : TOKEN_CHAR;
}

static enum token scan(struct scanner *s)
{
	const char *start;

	while (s->pos < s->end && is_blank(*s->pos))
		s->pos++;
	start = s->pos;
	s->text = (struct text){ start, 0 };
	if (start == s->end)
		return TOKEN_END;
	if (*start == '"' || *start == '\'') {
		s->pos++;
		return scan_quoted(s, *start);
	}
	s->pos++;
	s->text.size = 1;
	if (*start == '\n')
		return TOKEN_NEWLINE;
	if (!is_word(*start))
		return TOKEN_OTHER;
	while (s->pos < s->end && is_word(*s->pos))
		s->pos++;
	s->text.size = (size_t)(s->pos - start);
	return TOKEN_WORD;
}

enum token scanner_next(struct scanner *s)
{
	return s->token = scan(s);
}

bool scanner_accept(struct scanner *s, const char *word)
{
	struct scanner before = *s;

	if (scanner_next(s) == TOKEN_WORD && text_is(s->text, word))
		return true;
	*s = before;
	return false;
}

bool scanner_accept_char(struct scanner *s, char c)
{
	struct scanner before = *s;
	enum token token = scanner_next(s);

	if ((token == TOKEN_OTHER || token == TOKEN_NEWLINE) && s->text.size == 1 && *s->text.start == c)
		return true;
	*s = before;
	return false;
}

void scanner_skip_newlines(struct scanner *s)
{
	while (scanner_accept_char(s, '\n'))
		;
}

static unsigned number_base(struct text *word)
{
	const char *p = word->start;

	if (word->size < 2 || p[0] != '0')
		return 10;
	if (word->size > 2 && (p[1] == 'x' || p[1] == 'X') && digit_value(p[2]) < 16) {
		word->start += 2;
		word->size -= 2;
		return 16;
	}
	return 8;
}

bool text_number(struct text word, uint64_t max, uint64_t *out)
{
	unsigned base = number_base(&word);
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < word.size; i++) {
		unsigned digit = digit_value(word.start[i]);

		if (digit >= base)
			break;
		if (value > (max - digit) / base || digit > max)
			return false;
		value = value * base + digit;
	}
	if (!i)
		return false;
	*out = value;
	return true;
}

bool text_hex(struct text text, uint64_t *out, size_t *used)
{
	size_t start = 0, i;
	uint64_t value = 0;

	if (text.size > 2 && text.start[0] == '0' && (text.start[1] == 'x' || text.start[1] == 'X'))
		start = 2;
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
