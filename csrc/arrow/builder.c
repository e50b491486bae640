/* SPDX-License-Identifier: MIT */
#include "arrow/builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/api.h"
#include "base/error.h"
#include "base/utf8.h"

#define BUFFER_MIN 64 /* also so that no buffer is NULL, which not all consumers take */
#define DICTIONARY_SLOTS 64
#define VALUES_MAX INT32_MAX /* offsets are int32 */

/* --- buffers --------------------------------------------------------------------------------- */

/* Data that lies in a slab cannot grow there. */
static uint8_t *leave_slab(struct arrow_buffer *buffer, size_t room)
{
	uint8_t *data = malloc(room);

	if (!data)
		return NULL;
	memcpy(data, buffer->data, buffer->size);
	slab_release(buffer->slab);
	buffer->slab = NULL;
	return data;
}

bool arrow_buffer_grow(struct arrow_buffer *buffer, size_t n)
{
	size_t room = 2 * buffer->room;
	uint8_t *data;

	if (n > SIZE_MAX / 4 - buffer->size)
		return false;
	if (room < buffer->size + n) /* as much as is known to come, and not twice that */
		room = (buffer->size + n + BUFFER_MIN - 1) / BUFFER_MIN * BUFFER_MIN;
	data = buffer->slab ? leave_slab(buffer, room) : realloc(buffer->data, room);
	if (!data)
		return false;
	buffer->data = data;
	buffer->room = room;
	return true;
}

static void free_data(void *data, struct slab *slab)
{
	if (slab)
		slab_release(slab);
	else
		free(data);
}

void arrow_buffer_deinit(struct arrow_buffer *buffer)
{
	free_data(buffer->data, buffer->slab);
	*buffer = (struct arrow_buffer){ 0 };
}

bool arrow_buffer_put(struct arrow_buffer *buffer, const void *bytes, size_t size)
{
	if (!arrow_buffer_reserve(buffer, size))
		return false;
	if (size)
		memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
	return true;
}

static bool put_offset(struct arrow_buffer *offsets, size_t end)
{
	int32_t offset = (int32_t)end;

	return end <= VALUES_MAX && arrow_buffer_put(offsets, &offset, sizeof(offset));
}

/* --- dictionary ------------------------------------------------------------------------------ */

static int32_t dictionary_offset(const struct dictionary *dictionary, uint32_t index)
{
	int32_t offset;

	memcpy(&offset, dictionary->offsets.data + sizeof(offset) * index, sizeof(offset));
	return offset;
}

static uint64_t hash_of(const uint8_t *text, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ text[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/* The slot of a text, or the free one where it belongs. */
static uint32_t *find_slot(const struct dictionary *dictionary, const uint8_t *text, size_t size)
{
	size_t mask = dictionary->room - 1;

	for (size_t at = hash_of(text, size) & mask;; at = (at + 1) & mask) {
		uint32_t *slot = &dictionary->slots[at];
		int32_t from;

		if (!*slot)
			return slot;
		from = dictionary_offset(dictionary, *slot - 1);
		if ((size_t)(dictionary_offset(dictionary, *slot) - from) == size &&
		    (!size || !memcmp(dictionary->bytes.data + from, text, size)))
			return slot;
	}
}

static bool dictionary_make_room(struct dictionary *dictionary)
{
	size_t room = dictionary->room ? 2 * dictionary->room : DICTIONARY_SLOTS;
	uint32_t *slots;

	if (dictionary->count < dictionary->room / 2)
		return true;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return false;
	free(dictionary->slots);
	dictionary->slots = slots;
	dictionary->room = room;
	for (uint32_t i = 0; i < dictionary->count; i++) {
		int32_t from = dictionary_offset(dictionary, i);

		*find_slot(dictionary, dictionary->bytes.data + from,
			   (size_t)(dictionary_offset(dictionary, i + 1) - from)) = i + 1;
	}
	return true;
}

static uint32_t dictionary_add(struct dictionary *dictionary, const uint8_t *text, size_t size)
{
	uint32_t *slot;

	if (!dictionary_make_room(dictionary))
		return UINT32_MAX;
	slot = find_slot(dictionary, text, size);
	if (!*slot) {
		if (!arrow_buffer_put(&dictionary->bytes, text, size) ||
		    !put_offset(&dictionary->offsets, dictionary->bytes.size))
			return UINT32_MAX;
		*slot = ++dictionary->count;
	}
	return *slot - 1;
}

/* --- building -------------------------------------------------------------------------------- */

static bool has_offsets(struct column_type type)
{
	return (type.shape == SHAPE_TEXT && !type.dictionary) || type.shape == SHAPE_BINARY ||
	       type.shape == SHAPE_LIST || type.shape == SHAPE_BITS;
}

size_t column_row_size(struct column_type type)
{
	switch (type.shape) {
	case SHAPE_INTEGER:
		return type.width;
	case SHAPE_BOOL:
		return 1;
	case SHAPE_TIMESTAMP:
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
	builder->dictionary.count = 0;
	builder->rows = builder->null_count = 0;
}

void column_builder_deinit(struct column_builder *builder)
{
	empty(builder);
	arrow_buffer_deinit(&builder->scratch);
	free(builder->dictionary.slots);
	*builder = (struct column_builder){ 0 };
}

bool column_builder_begin(struct column_builder *builder, size_t rows, struct slab_pool *pool)
{
	size_t bytes = rows * column_row_size(builder->type) + BUFFER_MIN;
	struct dictionary *dictionary = &builder->dictionary;
	struct arrow_buffer *values = &builder->values;

	empty(builder);
	if (dictionary->slots)
		memset(dictionary->slots, 0, dictionary->room * sizeof(*dictionary->slots));
	values->data = slab_cut(pool, bytes, &values->slab);
	values->room = values->data ? bytes : 0;
	if (!arrow_buffer_reserve(values, bytes))
		return false;
	if (builder->type.dictionary &&
	    (!put_offset(&dictionary->offsets, 0) || !arrow_buffer_reserve(&dictionary->bytes, BUFFER_MIN)))
		return false;
	return !has_offsets(builder->type) || put_offset(&builder->offsets, 0);
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

bool column_builder_null(struct column_builder *builder, size_t row)
{
	size_t bytes = row / 8 + 1, had = builder->validity.size;

	if (bytes > had) {
		if (!arrow_buffer_reserve(&builder->validity, bytes - had))
			return false;
		memset(builder->validity.data + had, 0xff, bytes - had);
		builder->validity.size = bytes;
	}
	builder->validity.data[row / 8] &= (uint8_t)~(1u << row % 8);
	builder->null_count++;
	return true;
}

bool column_builder_end_row(struct column_builder *builder)
{
	unsigned width = builder->type.width ? builder->type.width : 1;

	return put_offset(&builder->offsets, builder->values.size / width);
}

bool column_builder_bytes(struct column_builder *builder, const uint8_t *bytes, size_t size)
{
	struct arrow_buffer *values = &builder->values;

	if (builder->type.shape != SHAPE_TEXT || builder->type.binary) {
		if (!arrow_buffer_put(values, bytes, size))
			return false;
	} else {
		if (!arrow_buffer_reserve(values, UTF8_GROWTH * size))
			return false;
		values->size += utf8_copy(values->data + values->size, bytes, size);
	}
	return column_builder_end_row(builder);
}

size_t column_builder_size(const struct column_builder *builder)
{
	return builder->values.size + builder->offsets.size + builder->validity.size +
	       builder->dictionary.bytes.size + builder->dictionary.offsets.size;
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
		free_data((void *)(uintptr_t)memory->buffers[i], memory->slabs[i]);
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

/* Validity ends with the last null: all after it are there. */
static bool fill_validity(struct column_builder *builder, size_t rows)
{
	size_t had = builder->validity.size, bytes = (rows + 7) / 8;

	if (!builder->null_count || had >= bytes)
		return true;
	if (!arrow_buffer_reserve(&builder->validity, bytes - had))
		return false;
	memset(builder->validity.data + had, 0xff, bytes - had);
	builder->validity.size = bytes;
	return true;
}

static bool finish(struct column_builder *builder, size_t rows, struct ArrowArray *out)
{
	struct column_type type = builder->type;
	bool list = type.shape == SHAPE_LIST || type.shape == SHAPE_BITS;
	bool fixed_list = type.shape == SHAPE_FIXED_LIST;
	struct array_memory *memory;

	if (!fill_validity(builder, rows))
		return false;
	memory = make_array(out, rows, fixed_list ? 1 : has_offsets(type) && !list ? 3 : 2);
	if (!memory)
		return false;
	out->null_count = (int64_t)builder->null_count;
	if (type.shape == SHAPE_BOOL)
		pack_bits(&builder->values);
	if ((list || fixed_list) && !make_child(memory, out, &builder->values, type.width))
		return false;
	if (type.dictionary && !make_dictionary(memory, out, &builder->dictionary))
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
