/* SPDX-License-Identifier: MIT */
#include "arrow/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/api.h"
#include "base/error.h"
#include "base/utf8.h"

/*
 * A key or a value: its length as int32, then its bytes. "Metadata" of the C data interface. Consumers
 * take it for UTF-8 (Polars ends the process where it is not).
 */
static void put_string(struct arrow_metadata *metadata, struct text text)
{
	struct arrow_buffer *bytes = &metadata->bytes;
	int32_t size;

	if (text.size > INT32_MAX / UTF8_GROWTH ||
	    !arrow_buffer_reserve(bytes, sizeof(size) + UTF8_GROWTH * text.size)) {
		metadata->no_memory = true;
		return;
	}
	size = (int32_t)utf8_copy(bytes->data + bytes->size + sizeof(size), (const uint8_t *)text.start,
				  text.size);
	memcpy(bytes->data + bytes->size, &size, sizeof(size));
	bytes->size += sizeof(size) + (size_t)size;
}

void arrow_metadata_add(struct arrow_metadata *metadata, const char *key, struct text value)
{
	if (!metadata->count++ &&
	    !arrow_buffer_put(&metadata->bytes, &metadata->count, sizeof(metadata->count)))
		metadata->no_memory = true;
	put_string(metadata, (struct text){ key, strlen(key) });
	put_string(metadata, value);
	if (!metadata->no_memory)
		memcpy(metadata->bytes.data, &metadata->count, sizeof(metadata->count));
}

void arrow_metadata_add_number(struct arrow_metadata *metadata, const char *key, uint64_t value)
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%" PRIu64, value);

	arrow_metadata_add(metadata, key, (struct text){ digits, (size_t)size });
}

struct schema_memory {
	char *name, *metadata;
	size_t metadata_size;
	struct ArrowSchema *children; /* [n_children], or the dictionary */
	struct ArrowSchema **pointers;
	char format[16];
};

static void release_schema(struct ArrowSchema *schema)
{
	struct schema_memory *memory = schema->private_data;

	for (int64_t i = 0; i < schema->n_children; i++) {
		if (memory->children[i].release)
			memory->children[i].release(&memory->children[i]);
	}
	if (schema->dictionary && schema->dictionary->release)
		schema->dictionary->release(schema->dictionary);
	free(memory->name);
	free(memory->metadata);
	free(memory->children);
	free(memory->pointers);
	free(memory);
	schema->release = NULL;
}

static void format_of(struct column_type type, char *format, size_t room)
{
	static const char integers[2][9] = { " CS I   L", " cs i   l" };

	switch (type.shape) {
	case SHAPE_BOOL:
		snprintf(format, room, "b");
		break;
	case SHAPE_TIMESTAMP:
		snprintf(format, room, "tsn:");
		break;
	case SHAPE_UTC:
		snprintf(format, room, "tsn:UTC");
		break;
	case SHAPE_DURATION:
		snprintf(format, room, "tDn");
		break;
	case SHAPE_TEXT:
		snprintf(format, room, type.dictionary ? "i" : type.binary ? "z" : "u");
		break;
	case SHAPE_BINARY:
		snprintf(format, room, "z");
		break;
	case SHAPE_FIXED_BINARY:
		snprintf(format, room, "w:%" PRIu32, type.length);
		break;
	case SHAPE_FIXED_LIST:
		snprintf(format, room, "+w:%" PRIu32, type.length);
		break;
	case SHAPE_LIST:
	case SHAPE_BITS:
	case SHAPE_TEXT_LIST:
		snprintf(format, room, "+l");
		break;
	default:
		snprintf(format, room, "%c", integers[type.is_signed][type.width]);
	}
}

static struct schema_memory *make_schema(struct ArrowSchema *schema, const char *name)
{
	struct schema_memory *memory = calloc(1, sizeof(*memory));
	size_t size = strlen(name);

	*schema = (struct ArrowSchema){ 0 };
	if (!memory)
		return NULL;
	schema->private_data = memory;
	schema->release = release_schema;
	schema->format = memory->format;
	memory->name = malloc(UTF8_GROWTH * size + 1);
	if (!memory->name)
		return NULL;
	memory->name[utf8_copy((uint8_t *)memory->name, (const uint8_t *)name, size)] = '\0';
	schema->name = memory->name;
	return memory;
}

static bool make_children(struct schema_memory *memory, size_t count)
{
	memory->children = calloc(count + 1, sizeof(*memory->children));
	memory->pointers = calloc(count + 1, sizeof(*memory->pointers));
	if (!memory->children || !memory->pointers)
		return false;
	for (size_t i = 0; i < count; i++)
		memory->pointers[i] = &memory->children[i];
	return true;
}

/* What is in metadata becomes the schema's. */
static bool take_metadata(struct ArrowSchema *schema, struct arrow_metadata *metadata)
{
	struct schema_memory *memory = schema->private_data;

	if (!metadata || !metadata->count)
		return true;
	memory->metadata = (char *)metadata->bytes.data;
	memory->metadata_size = metadata->bytes.size;
	metadata->bytes = (struct arrow_buffer){ 0 };
	schema->metadata = memory->metadata;
	metadata->count = 0;
	return !metadata->no_memory;
}

static bool fill_schema(struct column_type type, const char *name, bool nullable,
			struct arrow_metadata *metadata, struct ArrowSchema *out)
{
	struct schema_memory *memory = make_schema(out, name);
	struct column_type inner = { .shape = SHAPE_INTEGER,
				     .width = type.width,
				     .is_signed = type.is_signed };
	bool texts = type.shape == SHAPE_TEXT_LIST, nested = texts || type.shape == SHAPE_LIST ||
							     type.shape == SHAPE_BITS ||
							     type.shape == SHAPE_FIXED_LIST;

	if (!memory || !take_metadata(out, metadata))
		return false;
	format_of(type, memory->format, sizeof(memory->format));
	out->flags = nullable ? 2 : 0; /* ARROW_FLAG_NULLABLE */
	if (!nested && !type.dictionary)
		return true;
	if (texts || type.dictionary)
		inner = (struct column_type){
			.shape = SHAPE_TEXT,
			.binary = type.binary,
			.dictionary = texts && type.dictionary,
		};
	if (!make_children(memory, 1))
		return false;
	if (!nested) {
		out->dictionary = memory->children;
	} else {
		out->n_children = 1;
		out->children = memory->pointers;
	}
	return fill_schema(inner, nested ? "item" : "", nested, NULL, memory->children);
}

static int schema_done(struct ArrowSchema *schema, bool good, struct arrow_metadata *metadata,
		       struct ArrowSchema *out, struct trc_error *err)
{
	if (metadata)
		arrow_buffer_deinit(&metadata->bytes);
	if (good) {
		*out = *schema;
		return TRC_OK;
	}
	if (schema->release)
		schema->release(schema);
	return trc_fail_no_memory(err);
}

int arrow_schema(struct column_type type, const char *name, bool nullable, struct arrow_metadata *metadata,
		 struct ArrowSchema *out, struct trc_error *err)
{
	struct ArrowSchema schema;
	bool good = fill_schema(type, name, nullable, metadata, &schema);

	return schema_done(&schema, good, metadata, out, err);
}

int arrow_struct_schema(struct ArrowSchema *children, size_t count, struct arrow_metadata *metadata,
			struct ArrowSchema *out, struct trc_error *err)
{
	struct ArrowSchema schema;
	struct schema_memory *memory = make_schema(&schema, "");
	bool good = memory && take_metadata(&schema, metadata) && make_children(memory, count);

	if (good)
		snprintf(memory->format, sizeof(memory->format), "+s");
	for (size_t i = 0; i < count; i++) {
		if (good) {
			memory->children[i] = children[i];
			schema.n_children++;
		} else if (children[i].release) {
			children[i].release(&children[i]);
		}
	}
	if (good)
		schema.children = memory->pointers;
	return schema_done(&schema, good, metadata, out, err);
}

static bool copy_schema(const struct ArrowSchema *from, struct ArrowSchema *out)
{
	const struct schema_memory *theirs = from->private_data;
	struct schema_memory *memory = make_schema(out, theirs->name);
	size_t count = from->dictionary ? 1 : (size_t)from->n_children;

	if (!memory)
		return false;
	memcpy(memory->format, theirs->format, sizeof(memory->format));
	out->flags = from->flags;
	if (theirs->metadata) {
		memory->metadata = malloc(theirs->metadata_size);
		if (!memory->metadata)
			return false;
		memcpy(memory->metadata, theirs->metadata, theirs->metadata_size);
		memory->metadata_size = theirs->metadata_size;
		out->metadata = memory->metadata;
	}
	if (!theirs->children)
		return true;
	if (!make_children(memory, count))
		return false;
	if (from->dictionary) {
		out->dictionary = memory->children;
	} else {
		out->n_children = from->n_children;
		out->children = memory->pointers;
	}
	for (size_t i = 0; i < count; i++) {
		if (!copy_schema(&theirs->children[i], &memory->children[i]))
			return false;
	}
	return true;
}

int trc_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *out, struct trc_error *err)
{
	struct ArrowSchema copy;

	return schema_done(&copy, copy_schema(schema, &copy), NULL, out, err);
}
