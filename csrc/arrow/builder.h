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
#include "arrow/dictionary.h"

struct column_builder {
	struct column_type type;
	size_t rows;
	size_t null_count;
	struct arrow_buffer validity; /* nothing as long as there is no null */
	struct arrow_buffer offsets;  /* int32, of texts, binaries and lists */
	struct arrow_buffer values;   /* of booleans a byte each until the end; indices of a dictionary */
	struct dictionary dictionary;
	struct arrow_buffer scratch;

	/* Of a list of texts, whose values are those of its elements: */
	size_t elements, element_null_count;
	struct arrow_buffer element_validity; /* as validity */
	struct arrow_buffer element_offsets;  /* int32, where it is not a dictionary */
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

/* The next text of a list of texts; text NULL: it is null. */
bool column_builder_element(struct column_builder *builder, const uint8_t *text, size_t size);

/* The same of a dictionary, by number. */
bool column_builder_element_index(struct column_builder *builder, uint32_t index);

/* The last value of a row is in: where a list ends. */
bool column_builder_end_row(struct column_builder *builder);

/* No values, as at the beginning of a batch, but with the memory that there is. type: of those that come. */
bool column_builder_restart(struct column_builder *builder, struct column_type type);

/* Is this row of the batch null? Element number element of the integers, or of the lists of them. */
bool column_builder_is_null(const struct column_builder *builder, size_t row);
uint64_t column_builder_integer(const struct column_builder *builder, size_t element);
/* One behind the last element of a row of lists; they begin where those of the row before end. */
size_t column_builder_list_end(const struct column_builder *builder, size_t row);

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
