/* SPDX-License-Identifier: MIT */
/* Bytes that grow, and are handed over as they are: a buffer of an Arrow array. */
#ifndef TRC_ARROW_BUFFER_H
#define TRC_ARROW_BUFFER_H

#include <string.h>

#include "base/internal.h"
#include "platform/slab.h"

#define CACHE_LINE 64
#define ARROW_OFFSET_MAX INT32_MAX
#define ARROW_BUFFER_MIN 64 /* also so that no buffer is NULL, which not all consumers take */

struct arrow_buffer {
	uint8_t *data;
	size_t size, room;
	struct slab *slab; /* that data is cut from; NULL: it is malloc()'s */
};

/* Room for n more bytes. false: out of memory. */
bool arrow_buffer_grow(struct arrow_buffer *buffer, size_t n);

/* The data of one that was taken apart. */
void arrow_buffer_free(void *data, struct slab *slab);
void arrow_buffer_deinit(struct arrow_buffer *buffer);

TRC_INLINE bool arrow_buffer_reserve(struct arrow_buffer *buffer, size_t n)
{
	return TRC_LIKELY(n <= buffer->room - buffer->size) || arrow_buffer_grow(buffer, n);
}

/*
 * Where size more bytes go, which the caller fills in; NULL: out of memory. As many are likely to follow:
 * their memory is asked for while these are written.
 */
TRC_INLINE uint8_t *arrow_buffer_append(struct arrow_buffer *buffer, size_t size)
{
	uint8_t *to;

	if (!arrow_buffer_reserve(buffer, size))
		return NULL;
	to = buffer->data + buffer->size;
	buffer->size += size;
	for (size_t i = 0; i < size; i += CACHE_LINE)
		TRC_WILL_WRITE((uintptr_t)to + size + i);
	return to;
}

TRC_INLINE bool arrow_buffer_put(struct arrow_buffer *buffer, const void *bytes, size_t size)
{
	if (!arrow_buffer_reserve(buffer, size))
		return false;
	if (size)
		memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
	return true;
}

/* Where a value ends, as int32. false: out of memory, or of numbers. */
TRC_INLINE bool arrow_buffer_put_offset(struct arrow_buffer *offsets, size_t end)
{
	int32_t offset = (int32_t)end;

	return end <= ARROW_OFFSET_MAX && arrow_buffer_put(offsets, &offset, sizeof(offset));
}

#endif
