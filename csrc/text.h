/* SPDX-License-Identifier: MIT */
/* A run of characters that lies somewhere else and does not end in NUL. */
#ifndef TRC_TEXT_H
#define TRC_TEXT_H

#include <string.h>

#include "internal.h"

struct text {
	const char *start;	/* never NULL once set: an empty text points at something */
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

#endif
