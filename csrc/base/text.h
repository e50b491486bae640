/* SPDX-License-Identifier: MIT */
/* A run of characters that lies somewhere else and does not end in NUL. */
#ifndef TRC_BASE_TEXT_H
#define TRC_BASE_TEXT_H

#include <string.h>

#include "base/internal.h"

struct text {
	const char *start; /* never NULL once set: an empty text points at something */
	size_t size;
};

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })

static inline bool text_equal(struct text a, struct text b)
{
	return a.size == b.size && !memcmp(a.start, b.start, a.size);
}

static inline bool text_is(struct text a, const char *b)
{
	return a.size == strlen(b) && !memcmp(a.start, b, a.size);
}

/* In the order of strcmp(). */
static inline int text_compare(struct text a, struct text b)
{
	int order = memcmp(a.start, b.start, a.size < b.size ? a.size : b.size);

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Cuts the next line off *rest; the line is without its newline. false: nothing is left. */
static inline bool text_line(struct text *rest, struct text *line)
{
	const char *newline;

	if (!rest->size)
		return false;
	newline = memchr(rest->start, '\n', rest->size);
	*line = (struct text){ rest->start, newline ? (size_t)(newline - rest->start) : rest->size };
	rest->size -= line->size + (newline ? 1 : 0);
	rest->start += line->size + (newline ? 1 : 0);
	return true;
}

/* Drops n characters from the start; n <= size. */
static inline struct text text_skip(struct text text, size_t n)
{
	return (struct text){ text.start + n, text.size - n };
}

/* Drops blanks and tabs from the start. */
static inline struct text text_skip_blanks(struct text text)
{
	while (text.size && (*text.start == ' ' || *text.start == '\t'))
		text = text_skip(text, 1);
	return text;
}

#endif
