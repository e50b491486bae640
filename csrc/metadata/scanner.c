/* SPDX-License-Identifier: MIT */
#include "metadata/scanner.h"

#include "base/digits.h"

/* From after the opening quote to after the closing one. */
static enum token scan_quoted(struct scanner *s, char quote)
{
	const char *start = s->pos, *p = start;

	while (p < s->end && *p != quote)
		p += *p == '\\' && s->end - p > 1 ? 2 : 1; /* an escaped quote ends nothing */
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
