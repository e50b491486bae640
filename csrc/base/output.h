/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer that text is appended to.
 *
 * Appending never fails in the writer's face: when memory is short, or a record writes more than
 * its share, the bytes are dropped and the buffer remembers. Room is kept between records, so that
 * nothing is allocated once the buffer has its size.
 */
#ifndef TRC_BASE_OUTPUT_H
#define TRC_BASE_OUTPUT_H

#include <string.h>

#include "base/text.h"

struct output {
	char *data;
	size_t size, end; /* size never passes end: the room there is, or the limit if that is less */
	size_t room, limit;
	bool no_memory; /* bytes were lost: allocation failed */
	bool cut;	/* bytes were lost: limit */
	bool has_nul;	/* set by who writes a NUL on purpose */
};

void output_init(struct output *out);
void output_deinit(struct output *out);

/* No more than n bytes from here on; SIZE_MAX: as many as memory holds. */
TRC_INLINE void output_limit(struct output *out, size_t n)
{
	out->limit = n > SIZE_MAX - out->size ? SIZE_MAX : out->size + n;
	out->end = out->room < out->limit ? out->room : out->limit;
}

/* Makes room for n more bytes. false: there is none, and the fact is noted. */
bool output_grow(struct output *out, size_t n);

/*
 * Where to write at most n bytes; out->size is then moved by the writer. NULL: no room. No bytes have
 * a place, too, so that there is one to give: they make the first room.
 */
TRC_INLINE char *output_reserve(struct output *out, size_t n)
{
	if (TRC_UNLIKELY(n >= out->end - out->size) && !output_grow(out, n))
		return NULL;
	return out->data + out->size;
}

TRC_INLINE void output_bytes(struct output *out, const char *bytes, size_t n)
{
	char *to = output_reserve(out, n);

	if (TRC_LIKELY(to != NULL)) {
		memcpy(to, bytes, n);
		out->size += n;
	}
}

TRC_INLINE void output_text(struct output *out, struct text text)
{
	output_bytes(out, text.start, text.size);
}

TRC_INLINE void output_char(struct output *out, char c)
{
	char *to = output_reserve(out, 1);

	if (TRC_LIKELY(to != NULL)) {
		*to = c;
		out->size++;
	}
}

void output_fill(struct output *out, char c, size_t n);

/*
 * Copying short texts whose length varies is cheapest in one go of a fixed size. COPY_SLACK bytes
 * must be readable at bytes and writable at to, whatever n says, where n is at most COPY_SLACK.
 */
#define COPY_SLACK 32

TRC_INLINE char *copy_short(char *to, const char *bytes, size_t n)
{
	if (TRC_LIKELY(n <= COPY_SLACK))
		memcpy(to, bytes, COPY_SLACK);
	else
		memcpy(to, bytes, n);
	return to + n;
}

/* The same in one go or two, for n of at most twice as many bytes; all of them must be writable. */
#define COPY_TWICE (2 * COPY_SLACK)

TRC_INLINE char *copy_twice(char *to, const char *bytes, size_t n)
{
	memcpy(to, bytes, COPY_SLACK);
	if (n > COPY_SLACK)
		memcpy(to + COPY_SLACK, bytes + COPY_SLACK, COPY_SLACK);
	return to + n;
}

#define output_literal(out, literal) output_bytes((out), (literal), sizeof(literal) - 1)

#endif
