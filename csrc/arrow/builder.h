/* SPDX-License-Identifier: MIT */
/*
 * Columns while they are built, and their way out: the Arrow C data interface. Arrow's columnar
 * format, "Physical memory layout".
 *
 * A builder's buffers grow as values come and are handed over, not copied, when a batch is done.
 */
#ifndef TRC_ARROW_BUILDER_H
#define TRC_ARROW_BUILDER_H

#include "arrow/api.h"
#include "arrow/column_type.h"
#include "platform/slab.h"

#define CACHE_LINE 64

struct arrow_buffer {
	uint8_t *data;
	size_t size, room;
	struct slab *slab; /* that data is cut from; NULL: it is malloc()'s */
};

/* Room for n more bytes. false: out of memory. */
bool arrow_buffer_grow(struct arrow_buffer *buffer, size_t n);

bool arrow_buffer_put(struct arrow_buffer *buffer, const void *bytes, size_t size);
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

/* Distinct texts, numbered from 0. */
struct dictionary {
	struct arrow_buffer offsets, bytes; /* int32: where each begins, and the last one ends */
	uint32_t count;
	uint32_t *slots; /* [room], a power of two: number + 1, 0: free */
	size_t room;
};

struct column_builder {
	struct column_type type;
	size_t rows;
	size_t null_count;
	struct arrow_buffer validity; /* nothing as long as there is no null */
	struct arrow_buffer offsets;  /* int32, of texts, binaries and lists */
	struct arrow_buffer values;   /* of booleans a byte each until the end; indices of a dictionary */
	struct dictionary dictionary;
	struct arrow_buffer scratch;
};

/* One builder a column; a zeroed one may be deinited. */
void column_builder_init(struct column_builder *builder, struct column_type type);
void column_builder_deinit(struct column_builder *builder);

/* All functions below give false when memory is short. */

/* Before the first value of a batch of about so many rows, with memory of a pool, or NULL. */
bool column_builder_begin(struct column_builder *builder, size_t rows, struct slab_pool *pool);

/* Number of a text in the dictionary; UINT32_MAX: out of memory. */
uint32_t column_builder_index(struct column_builder *builder, const uint8_t *text, size_t size);

/* Row number row of this batch is null; what its values hold is nobody's business. */
bool column_builder_null(struct column_builder *builder, size_t row);

/* A text or binary value, of what is not a dictionary. */
bool column_builder_bytes(struct column_builder *builder, const uint8_t *bytes, size_t size);

/* The last value of a row is in: where a list ends. */
bool column_builder_end_row(struct column_builder *builder);

/* Bytes in use. */
size_t column_builder_size(const struct column_builder *builder);

/* Bytes a row takes in values, where that is fixed; else 0. */
size_t column_row_size(struct column_type type);

/*
 * The batch so far as an array, of which the caller is the owner; the builder is as new.
 * arrow_batch(): several, all of rows rows, as the children of a struct. arrow_column(): one alone; false:
 * out of memory.
 */
bool arrow_column(struct column_builder *builder, size_t rows, struct ArrowArray *out);
int arrow_batch(struct column_builder *builders, size_t count, size_t rows, struct ArrowArray *out,
		struct trc_error *err);

#endif
