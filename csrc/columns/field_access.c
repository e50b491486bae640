/* SPDX-License-Identifier: MIT */
#include "columns/field_access.h"

#include "columns/api.h"
#include "metadata/api.h"

/* --- C types --------------------------------------------------------------------------------- */

/* Is word one of the words of a declaration? */
static bool has_word(struct text type, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= type.size; i++) {
		bool begins = !i || type.start[i - 1] == ' ' || type.start[i - 1] == '*';
		bool ends = i + size == type.size || strchr(" *[(", type.start[i + size]);

		if (begins && ends && !memcmp(type.start + i, word, size))
			return true;
	}
	return false;
}

static bool has_part(struct text type, struct text part)
{
	for (size_t i = 0; i + part.size <= type.size; i++) {
		if (!memcmp(type.start + i, part.start, part.size))
			return true;
	}
	return false;
}

static bool is_byte(struct text type)
{
	return has_word(type, "u8") || has_word(type, "__u8") || has_word(type, "s8") ||
	       has_word(type, "__s8") || has_word(type, "uint8_t") || has_word(type, "int8_t") ||
	       (has_word(type, "char") && has_word(type, "unsigned"));
}

/* Size of the elements of an array without a length; 0: not an integer that we know. */
static unsigned element_size(struct text type, unsigned long_size)
{
	static const struct {
		const char *word;
		uint8_t size;
	} words[] = {
		{ "u16", 2 },	  { "s16", 2 },	   { "__u16", 2 },  { "__s16", 2 },    { "uint16_t", 2 },
		{ "int16_t", 2 }, { "__le16", 2 }, { "__be16", 2 }, { "short", 2 },    { "u32", 4 },
		{ "s32", 4 },	  { "__u32", 4 },  { "__s32", 4 },  { "uint32_t", 4 }, { "int32_t", 4 },
		{ "__le32", 4 },  { "__be32", 4 }, { "pid_t", 4 },  { "gfp_t", 4 },    { "u64", 8 },
		{ "s64", 8 },	  { "__u64", 8 },  { "__s64", 8 },  { "uint64_t", 8 }, { "int64_t", 8 },
		{ "__le64", 8 },  { "__be64", 8 }, { "bool", 1 },
	};

	if (is_byte(type) || has_word(type, "char"))
		return 1;
	if (has_part(type, TEXT("*")) || has_word(type, "size_t") || has_word(type, "uintptr_t"))
		return long_size;
	if (has_part(type, TEXT("long long")))
		return 8;
	if (has_word(type, "long"))
		return long_size;
	for (size_t i = 0; i < countof(words); i++) {
		if (has_word(type, words[i].word))
			return words[i].size;
	}
	return has_word(type, "int") || has_word(type, "unsigned") || has_word(type, "enum") ? 4 : 0;
}

/* --- what the field holds -------------------------------------------------------------------- */

/*
 * Events print a __bitmask() or __cpumask() with a helper of that name; its field says
 * "unsigned long[]" on most kernels, which alone would be an array of numbers.
 */
static bool is_bitmask(const struct event_format *event, const struct event_field *field)
{
	static const char *const helpers[] = {
		"__get_bitmask(",
		"__get_rel_bitmask(",
		"__get_cpumask(",
		"__get_rel_cpumask(",
	};
	const struct text fmt = event->print_fmt;

	if (has_part(field->type, TEXT("cpumask")))
		return true;
	for (size_t i = 0; i < countof(helpers); i++) {
		size_t size = strlen(helpers[i]);

		for (size_t at = 0; at + size + field->name.size < fmt.size; at++) {
			if (!memcmp(fmt.start + at, helpers[i], size) &&
			    !memcmp(fmt.start + at + size, field->name.start, field->name.size) &&
			    fmt.start[at + size + field->name.size] == ')')
				return true;
		}
	}
	return false;
}

/*
 * Null values of a fixed length take as much room as others, and a format may claim any length: what
 * is longer than records are is kept as if its length varied.
 */
#define FIXED_SIZE_MAX 4096

static bool is_width(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* "char buf[]" of the tracers' own events that is not text: arguments in binary, raw markers. */
static bool is_raw(const struct event_format *event, const struct event_field *field)
{
	return event->state & TRC_EVENT_FTRACE && text_is(field->name, "buf") &&
	       (text_is(event->name, "raw_data") || text_is(event->name, "bprint"));
}

static bool is_stack(const struct event_format *event, const struct event_field *field)
{
	return event->state & TRC_EVENT_FTRACE && text_is(field->name, "caller") &&
	       (text_is(event->name, "kernel_stack") || text_is(event->name, "user_stack"));
}

/*
 * Of a kernel's stack the format tells 8 addresses, or none; the record has what there were. Of a
 * user's the record has the 8 always.
 */
static bool is_open_ended(const struct event_format *event, const struct event_field *field)
{
	return !field->size || (is_stack(event, field) && text_is(event->name, "kernel_stack"));
}

/*
 * Kernels before 3.x have "char buf" of no size for what became "char buf[]"; those of 2009 do not say of
 * what a "__data_loc name" is: texts were all that there was.
 */
static bool is_text(const struct event_field *field)
{
	if (field->flags & TRC_FIELD_DYNAMIC && field->size == 2 && text_is(field->type, "__data_loc"))
		return true;
	return (field->flags & TRC_FIELD_ARRAY || !field->size) && has_word(field->type, "char") &&
	       !is_byte(field->type) && !has_part(field->type, TEXT("*"));
}

static struct column_type text_type(const struct field_access *access, uint32_t flags)
{
	return (struct column_type){
		.shape = SHAPE_TEXT,
		.binary = flags & TRC_COLUMNS_BINARY,
		.dictionary = access->extent == EXTENT_FIXED && !(flags & TRC_COLUMNS_NO_DICTIONARY),
	};
}

static struct column_type bytes_type(const struct event_field *field, enum field_extent extent)
{
	if (extent == EXTENT_FIXED && field->size <= FIXED_SIZE_MAX)
		return (struct column_type){ .shape = SHAPE_FIXED_BINARY, .length = field->size };
	return (struct column_type){ .shape = SHAPE_BINARY };
}

static struct column_type array_type(const struct event_field *field, const struct field_access *access,
				     unsigned long_size)
{
	uint32_t width = field->array_length ? field->element_size : element_size(field->type, long_size);
	struct column_type type = column_type_integer(SHAPE_LIST, width, field->flags & TRC_FIELD_SIGNED);

	if (is_byte(field->type) || !is_width(width))
		return bytes_type(field, access->extent);
	if (access->extent != EXTENT_FIXED)
		return type;
	if (field->size % width)
		return bytes_type(field, access->extent);
	if (field->size <= FIXED_SIZE_MAX) {
		type.shape = SHAPE_FIXED_LIST;
		type.length = field->size / width; /* probes do not tell the array's length */
	}
	return type;
}

/* Addresses are uint64 as pointers are, whatever the kernel's long is. */
static struct column_type stack_type(struct column_type type)
{
	if (type.shape != SHAPE_LIST && type.shape != SHAPE_FIXED_LIST)
		return type;
	return column_type_integer(SHAPE_LIST, 8, false);
}

static struct column_type scalar_type(const struct event_field *field)
{
	bool is_signed = field->flags & TRC_FIELD_SIGNED;

	if (!is_width(field->size))
		return bytes_type(field, EXTENT_FIXED);
	if (field->flags & TRC_FIELD_POINTER)
		return column_type_integer(SHAPE_INTEGER, 8, false);
	if (field->size == 1 && (has_word(field->type, "bool") || has_word(field->type, "_Bool")))
		return (struct column_type){ .shape = SHAPE_BOOL };
	return column_type_integer(SHAPE_INTEGER, field->size, is_signed);
}

static enum field_extent extent_of(const struct event_format *event, const struct event_field *field)
{
	if (field->flags & TRC_FIELD_DYNAMIC)
		return field->flags & TRC_FIELD_RELATIVE ? EXTENT_RELATIVE : EXTENT_DYNAMIC;
	return is_open_ended(event, field) ? EXTENT_REST : EXTENT_FIXED;
}

struct field_access field_access_of(const struct event_format *event, const struct event_field *field,
				    unsigned long_size, uint32_t flags)
{
	struct field_access access = {
		.extent = (uint8_t)extent_of(event, field),
		.is_signed = field->flags & TRC_FIELD_SIGNED,
		.offset = field->offset,
		.size = field->size,
	};
	bool array = field->flags & TRC_FIELD_ARRAY;

	if (access.extent == EXTENT_REST)
		access.size = 0;
	if (is_raw(event, field))
		access.type = (struct column_type){ .shape = SHAPE_BINARY };
	else if (field->flags & TRC_FIELD_OPAQUE)
		access.type = bytes_type(field, access.extent);
	else if (is_text(field))
		access.type = text_type(&access, flags);
	else if ((access.extent == EXTENT_DYNAMIC || access.extent == EXTENT_RELATIVE) &&
		 is_bitmask(event, field))
		access.type = column_type_integer(SHAPE_BITS, 4, false);
	else if (array)
		access.type = array_type(field, &access, long_size);
	else if (access.extent == EXTENT_FIXED)
		access.type = scalar_type(field);
	else
		access.type = (struct column_type){ .shape = SHAPE_BINARY };
	access.width = access.type.shape == SHAPE_INTEGER ? (uint8_t)field->size : access.type.width;
	if (access.type.shape == SHAPE_BITS)
		access.width = (uint8_t)long_size;
	if (field->flags & TRC_FIELD_POINTER)
		access.is_signed = access.type.is_signed = false;
	if (array && is_stack(event, field)) {
		access.type = stack_type(access.type);
		access.is_signed = access.type.is_signed;
	}
	return access;
}

struct field_access field_access_of_common(struct event_place place)
{
	struct field_access access = {
		.offset = place.offset,
		.width = (uint8_t)place.size,
		.size = place.size,
		.type = column_type_integer(SHAPE_INTEGER, 1, false),
	};

	if (!place.size)
		access.offset = UINT32_MAX / 2; /* no record is that long: all null */
	return access;
}
