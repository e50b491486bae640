/* SPDX-License-Identifier: MIT */
#include "arrow/builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/api.h"
#include "base/error.h"
#include "base/utf8.h"

/* --- building -------------------------------------------------------------------------------- */

static bool is_list(struct column_type type)
{
	return type.shape == SHAPE_LIST || type.shape == SHAPE_BITS || type.shape == SHAPE_TEXT_LIST;
}

static bool has_offsets(struct column_type type)
{
	return (type.shape == SHAPE_TEXT && !type.dictionary) || type.shape == SHAPE_BINARY || is_list(type);
}

size_t column_row_size(struct column_type type)
{
	switch (type.shape) {
	case SHAPE_INTEGER:
		return type.width;
	case SHAPE_BOOL:
		return 1;
	case SHAPE_TIMESTAMP:
	case SHAPE_UTC:
	case SHAPE_DURATION:
		return 8;
	case SHAPE_TEXT:
		return type.dictionary ? sizeof(int32_t) : 0;
	case SHAPE_FIXED_BINARY:
		return type.length;
	case SHAPE_FIXED_LIST:
		return (size_t)type.length * type.width;
	default:
		return 0;
	}
}

void column_builder_init(struct column_builder *builder, struct column_type type)
{
	*builder = (struct column_builder){ .type = type };
}

static void empty(struct column_builder *builder)
{
	arrow_buffer_deinit(&builder->validity);
	arrow_buffer_deinit(&builder->offsets);
	arrow_buffer_deinit(&builder->values);
	arrow_buffer_deinit(&builder->dictionary.offsets);
	arrow_buffer_deinit(&builder->dictionary.bytes);
	arrow_buffer_deinit(&builder->element_validity);
	arrow_buffer_deinit(&builder->element_offsets);
	builder->dictionary.count = 0;
	builder->rows = builder->null_count = 0;
	builder->elements = builder->element_null_count = 0;
}

void column_builder_deinit(struct column_builder *builder)
{
	empty(builder);
	arrow_buffer_deinit(&builder->scratch);
	free(builder->dictionary.slots);
	*builder = (struct column_builder){ 0 };
}

/* What has offsets begins with one, as they say where each value ends. */
static bool put_first_offsets(struct column_builder *builder)
{
	struct column_type type = builder->type;

	if (type.shape == SHAPE_TEXT_LIST && !type.dictionary &&
	    !arrow_buffer_put_offset(&builder->element_offsets, 0))
		return false;
	return !has_offsets(type) || arrow_buffer_put_offset(&builder->offsets, 0);
}

bool column_builder_begin(struct column_builder *builder, size_t rows, struct slab_pool *pool)
{
	size_t bytes = rows * column_row_size(builder->type) + ARROW_BUFFER_MIN;
	struct dictionary *dictionary = &builder->dictionary;
	struct arrow_buffer *values = &builder->values;

	empty(builder);
	if (dictionary->slots)
		memset(dictionary->slots, 0, dictionary->room * sizeof(*dictionary->slots));
	values->data = slab_cut(pool, bytes, &values->slab);
	values->room = values->data ? bytes : 0;
	if (!arrow_buffer_reserve(values, bytes))
		return false;
	if (builder->type.dictionary && (!arrow_buffer_put_offset(&dictionary->offsets, 0) ||
					 !arrow_buffer_reserve(&dictionary->bytes, ARROW_BUFFER_MIN)))
		return false;
	return put_first_offsets(builder);
}

bool column_builder_restart(struct column_builder *builder, struct column_type type)
{
	builder->type = type;
	builder->validity.size = builder->offsets.size = builder->values.size = 0;
	builder->rows = builder->null_count = 0;
	return put_first_offsets(builder);
}

uint32_t column_builder_index(struct column_builder *builder, const uint8_t *text, size_t size)
{
	if (!builder->type.binary && ascii_length(text, size) < size) {
		builder->scratch.size = 0;
		if (!arrow_buffer_reserve(&builder->scratch, UTF8_GROWTH * size))
			return UINT32_MAX;
		size = utf8_copy(builder->scratch.data, text, size);
		text = builder->scratch.data;
	}
	return dictionary_add(&builder->dictionary, text, size);
}

/* Bits up to number bits are there: those that are new say that all is there. */
static bool extend_validity(struct arrow_buffer *validity, size_t bits)
{
	size_t bytes = (bits + 7) / 8, had = validity->size;

	if (bytes <= had)
		return true;
	if (!arrow_buffer_reserve(validity, bytes - had))
		return false;
	memset(validity->data + had, 0xff, bytes - had);
	validity->size = bytes;
	return true;
}

static bool put_null(struct arrow_buffer *validity, size_t *null_count, size_t at)
{
	if (!extend_validity(validity, at + 1))
		return false;
	validity->data[at / 8] &= (uint8_t)~(1u << at % 8);
	++*null_count;
	return true;
}

bool column_builder_null(struct column_builder *builder, size_t row)
{
	return put_null(&builder->validity, &builder->null_count, row);
}

bool column_builder_end_row(struct column_builder *builder)
{
	unsigned width = builder->type.width ? builder->type.width : 1;

	return arrow_buffer_put_offset(&builder->offsets, builder->type.shape == SHAPE_TEXT_LIST ?
								  builder->elements :
								  builder->values.size / width);
}

static bool put_bytes(struct column_builder *builder, const uint8_t *bytes, size_t size)
{
	bool text = builder->type.shape == SHAPE_TEXT || builder->type.shape == SHAPE_TEXT_LIST;
	struct arrow_buffer *values = &builder->values;

	if (!text || builder->type.binary)
		return arrow_buffer_put(values, bytes, size);
	if (!arrow_buffer_reserve(values, UTF8_GROWTH * size))
		return false;
	values->size += utf8_copy(values->data + values->size, bytes, size);
	return true;
}

bool column_builder_bytes(struct column_builder *builder, const uint8_t *bytes, size_t size)
{
	return put_bytes(builder, bytes, size) && column_builder_end_row(builder);
}

bool column_builder_element_index(struct column_builder *builder, uint32_t index)
{
	builder->elements++;
	return arrow_buffer_put(&builder->values, &index, sizeof(index));
}

bool column_builder_element(struct column_builder *builder, const uint8_t *text, size_t size)
{
	uint32_t index = 0;

	if (!text && !put_null(&builder->element_validity, &builder->element_null_count, builder->elements))
		return false;
	if (builder->type.dictionary) {
		if (text && (index = column_builder_index(builder, text, size)) == UINT32_MAX)
			return false;
		return column_builder_element_index(builder, index);
	}
	builder->elements++;
	return put_bytes(builder, text, text ? size : 0) &&
	       arrow_buffer_put_offset(&builder->element_offsets, builder->values.size);
}

/* --- looking back ---------------------------------------------------------------------------- */

bool column_builder_is_null(const struct column_builder *builder, size_t row)
{
	return row / 8 < builder->validity.size && !(builder->validity.data[row / 8] >> row % 8 & 1);
}

uint64_t column_builder_integer(const struct column_builder *builder, size_t element)
{
	const uint8_t *from = builder->values.data + builder->type.width * element;
	uint64_t value = 0;
	uint32_t word;
	uint16_t half;

	switch (builder->type.width) {
	case 8:
		memcpy(&value, from, sizeof(value));
		return value;
	case 4:
		memcpy(&word, from, sizeof(word));
		return word;
	case 2:
		memcpy(&half, from, sizeof(half));
		return half;
	default:
		return *from;
	}
}

size_t column_builder_list_end(const struct column_builder *builder, size_t row)
{
	int32_t end;

	memcpy(&end, builder->offsets.data + sizeof(end) * (row + 1), sizeof(end));
	return (size_t)end;
}

size_t column_builder_size(const struct column_builder *builder)
{
	return builder->values.size + builder->offsets.size + builder->validity.size +
	       builder->dictionary.bytes.size + builder->dictionary.offsets.size +
	       builder->element_offsets.size + builder->element_validity.size;
}

/* --- arrays ---------------------------------------------------------------------------------- */

/* What an array owns. Parents are released by consumers, who release children through them. */
struct array_memory {
	const void *buffers[3];
	struct slab *slabs[3];
	struct ArrowArray child, dictionary;
	struct ArrowArray *child_pointer;
};

static void release_array(struct ArrowArray *array)
{
	struct array_memory *memory = array->private_data;

	for (int64_t i = 0; i < array->n_buffers; i++)
		arrow_buffer_free((void *)(uintptr_t)memory->buffers[i], memory->slabs[i]);
	if (array->n_children && memory->child.release)
		memory->child.release(&memory->child);
	if (array->dictionary && memory->dictionary.release)
		memory->dictionary.release(&memory->dictionary);
	free(memory);
	array->release = NULL;
}

static struct array_memory *make_array(struct ArrowArray *array, size_t length, int64_t buffers)
{
	struct array_memory *memory = calloc(1, sizeof(*memory));

	*array = (struct ArrowArray){ .length = (int64_t)length };
	if (!memory)
		return NULL;
	array->n_buffers = buffers;
	array->buffers = memory->buffers;
	array->private_data = memory;
	array->release = release_array;
	return memory;
}

/* The array becomes the owner of the bytes. */
static void take_buffer(struct array_memory *memory, size_t index, struct arrow_buffer *buffer)
{
	memory->buffers[index] = buffer->data;
	memory->slabs[index] = buffer->slab;
	*buffer = (struct arrow_buffer){ 0 };
}

static bool make_child(struct array_memory *memory, struct ArrowArray *array, struct arrow_buffer *values,
		       size_t width)
{
	struct array_memory *child = make_array(&memory->child, values->size / width, 2);

	if (!child)
		return false;
	take_buffer(child, 1, values);
	memory->child_pointer = &memory->child;
	array->n_children = 1;
	array->children = &memory->child_pointer;
	return true;
}

static bool make_dictionary(struct array_memory *memory, struct ArrowArray *array,
			    struct dictionary *dictionary)
{
	struct array_memory *texts = make_array(&memory->dictionary, dictionary->count, 3);

	if (!texts)
		return false;
	take_buffer(texts, 1, &dictionary->offsets);
	take_buffer(texts, 2, &dictionary->bytes);
	array->dictionary = &memory->dictionary;
	return true;
}

static bool make_texts(struct array_memory *memory, struct ArrowArray *array, struct column_builder *builder)
{
	bool dictionary = builder->type.dictionary;
	struct array_memory *texts = make_array(&memory->child, builder->elements, dictionary ? 2 : 3);

	if (!texts)
		return false;
	memory->child_pointer = &memory->child;
	array->n_children = 1;
	array->children = &memory->child_pointer;
	memory->child.null_count = (int64_t)builder->element_null_count;
	if (builder->element_null_count) {
		if (!extend_validity(&builder->element_validity, builder->elements))
			return false;
		take_buffer(texts, 0, &builder->element_validity);
	}
	if (dictionary) {
		take_buffer(texts, 1, &builder->values);
		return make_dictionary(texts, &memory->child, &builder->dictionary);
	}
	take_buffer(texts, 1, &builder->element_offsets);
	take_buffer(texts, 2, &builder->values);
	return true;
}

/* Bytes, 0 or 1, to bits; in place, since bit i never lies after byte i. */
static void pack_bits(struct arrow_buffer *values)
{
	for (size_t i = 0; i < values->size; i += 8) {
		uint8_t byte = 0;

		for (size_t bit = 0; bit < 8 && i + bit < values->size; bit++)
			byte |= (uint8_t)(!!values->data[i + bit] << bit);
		values->data[i / 8] = byte;
	}
}

static bool finish(struct column_builder *builder, size_t rows, struct ArrowArray *out)
{
	struct column_type type = builder->type;
	bool list = is_list(type);
	bool fixed_list = type.shape == SHAPE_FIXED_LIST;
	struct array_memory *memory;

	/* It ends with the last null: all after it are there. */
	if (builder->null_count && !extend_validity(&builder->validity, rows))
		return false;
	memory = make_array(out, rows, fixed_list ? 1 : has_offsets(type) && !list ? 3 : 2);
	if (!memory)
		return false;
	out->null_count = (int64_t)builder->null_count;
	if (type.shape == SHAPE_BOOL)
		pack_bits(&builder->values);
	if (type.shape == SHAPE_TEXT_LIST) {
		if (!make_texts(memory, out, builder))
			return false;
	} else if ((list || fixed_list) && !make_child(memory, out, &builder->values, type.width)) {
		return false;
	}
	if (type.dictionary && !list && !make_dictionary(memory, out, &builder->dictionary))
		return false;
	if (builder->null_count)
		take_buffer(memory, 0, &builder->validity);
	if (has_offsets(type))
		take_buffer(memory, 1, &builder->offsets);
	if (!list && !fixed_list)
		take_buffer(memory, has_offsets(type) ? 2 : 1, &builder->values);
	return true;
}

bool arrow_column(struct column_builder *builder, size_t rows, struct ArrowArray *out)
{
	struct ArrowArray array = { 0 };

	if (!finish(builder, rows, &array)) {
		if (array.release)
			array.release(&array);
		return false;
	}
	*out = array;
	return true;
}

struct batch_memory {
	const void *buffers[1];
	struct ArrowArray **pointers;
	struct ArrowArray *children;
};

static void release_batch(struct ArrowArray *array)
{
	struct batch_memory *memory = array->private_data;

	for (int64_t i = 0; i < array->n_children; i++) {
		if (memory->children[i].release)
			memory->children[i].release(&memory->children[i]);
	}
	free(memory->pointers);
	free(memory->children);
	free(memory);
	array->release = NULL;
}

static bool make_batch(struct ArrowArray *batch, size_t count, size_t rows)
{
	struct batch_memory *memory = calloc(1, sizeof(*memory));

	*batch = (struct ArrowArray){ .length = (int64_t)rows };
	if (!memory)
		return false;
	memory->children = calloc(count + 1, sizeof(*memory->children));
	memory->pointers = calloc(count + 1, sizeof(*memory->pointers));
	batch->private_data = memory;
	batch->release = release_batch;
	if (!memory->children || !memory->pointers)
		return false;
	for (size_t i = 0; i < count; i++)
		memory->pointers[i] = &memory->children[i];
	batch->n_buffers = 1;
	batch->buffers = memory->buffers;
	batch->n_children = (int64_t)count;
	batch->children = memory->pointers;
	return true;
}

int arrow_batch(struct column_builder *builders, size_t count, size_t rows, struct ArrowArray *out,
		struct trc_error *err)
{
	struct ArrowArray batch;
	bool good = make_batch(&batch, count, rows);

	for (size_t i = 0; good && i < count; i++)
		good = finish(&builders[i], rows, batch.children[i]);
	if (!good) {
		if (batch.release)
			batch.release(&batch);
		return trc_fail_no_memory(err);
	}
	*out = batch;
	return TRC_OK;
}
