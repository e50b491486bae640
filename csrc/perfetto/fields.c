/* SPDX-License-Identifier: MIT */
/* Records into events, by their plans. */
#include "base/utf8.h"
#include "columns/field.h"
#include "perfetto/plan.h"

#define NAME_MOST 512	  /* characters of a function's name: the kernel's own bound */
#define BITMASK_MOST 8192 /* bytes, of more CPUs than there are */
#define CHARS_A_NUMBER 21 /* of 64 bits, with a sign or a comma */
#define HEAD_ROOM (64 + 4 * LENGTH_ROOM)

/* Where an event is being written. Places are counted from the start, as the buffer moves when it grows. */
struct event_writer {
	const struct record_facts *facts;
	struct output *out;
	uint8_t *to;
	size_t rest; /* room to keep for all parts of fixed size */
};

/* Room for n bytes more than that. */
static bool make_room(struct event_writer *writer, size_t n)
{
	struct output *out = writer->out;

	out->size = (size_t)(writer->to - (uint8_t *)out->data);
	writer->to = (uint8_t *)output_reserve(out, n + writer->rest);
	return writer->to != NULL;
}

/* --- texts ----------------------------------------------------------------------------------- */

static uint32_t length_to_nul(const uint8_t *text, uint32_t size)
{
	const uint8_t *nul = size ? memchr(text, 0, size) : NULL;

	return nul ? (uint32_t)(nul - text) : size;
}

bool plan_text(const struct walk_record *record, const struct field_access *access, bool big_endian,
	       struct text *text)
{
	const uint8_t *bytes;
	uint32_t size;

	if (!column_find_bytes(record->payload, record->size, access, big_endian, &bytes, &size))
		return false;
	*text = (struct text){ (const char *)bytes, length_to_nul(bytes, size) };
	return true;
}

static void put_part_tag(struct event_writer *writer, const struct part *part)
{
	memcpy(writer->to, part->tag, TAG_ROOM);
	writer->to += part->tag_size;
}

static bool put_text(struct event_writer *writer, const struct part *part, struct text text)
{
	const uint8_t *bytes = (const uint8_t *)text.start;
	uint8_t *begin;

	if (!make_room(writer, UTF8_GROWTH * text.size))
		return false;
	put_part_tag(writer, part);
	if (TRC_LIKELY(ascii_length(bytes, text.size) == text.size)) {
		writer->to = put_varint(writer->to, text.size);
		if (text.size)
			memcpy(writer->to, bytes, text.size);
		writer->to += text.size;
		return true;
	}
	begin = begin_message(writer->to);
	writer->to = end_message(begin, begin + utf8_copy(begin, bytes, text.size));
	return true;
}

static bool put_hex(struct event_writer *writer, const struct part *part, const uint8_t *bytes, uint32_t size)
{
	static const char digits[] = "0123456789abcdef";

	if (!make_room(writer, 2 * (size_t)size))
		return false;
	put_part_tag(writer, part);
	writer->to = put_varint(writer->to, 2 * (uint64_t)size);
	for (uint32_t i = 0; i < size; i++) {
		*writer->to++ = (uint8_t)digits[bytes[i] >> 4];
		*writer->to++ = (uint8_t)digits[bytes[i] & 15];
	}
	return true;
}

/* --- lists ----------------------------------------------------------------------------------- */

static uint8_t *put_decimal(uint8_t *to, uint64_t value)
{
	uint8_t digits[CHARS_A_NUMBER];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value);
	memcpy(to, digits + at, sizeof(digits) - at);
	return to + sizeof(digits) - at;
}

static uint8_t *put_number(uint8_t *to, uint64_t value, bool is_signed)
{
	if (is_signed && value >> 63) {
		*to++ = '-';
		value = -value;
	}
	return put_decimal(to, value);
}

static uint64_t element(const struct field_access *access, const uint8_t *bytes, uint32_t index,
			bool big_endian)
{
	unsigned width = access->width, unused = 64 - 8 * width;
	uint64_t number = load_uint(bytes + (size_t)width * index, width, big_endian);

	return access->is_signed ? (uint64_t)((int64_t)(number << unused) >> unused) : number;
}

/* A stack that is shorter than its array ends with -1. */
static uint32_t element_count(const struct field_access *access, const uint8_t *bytes, uint32_t size,
			      bool big_endian)
{
	uint32_t count = access->width ? size / access->width : 0;
	uint64_t end = access->width == 8 ? UINT64_MAX : UINT32_MAX;

	if (access->extent != EXTENT_REST || access->width < 4)
		return count;
	for (uint32_t i = 0; i < count; i++) {
		if (load_uint(bytes + (size_t)access->width * i, access->width, big_endian) == end)
			return i;
	}
	return count;
}

static bool put_list(struct event_writer *writer, const struct part *part, const uint8_t *bytes,
		     uint32_t size, bool big_endian)
{
	uint32_t count = element_count(&part->access, bytes, size, big_endian);
	uint8_t *begin;

	if (!make_room(writer, (size_t)CHARS_A_NUMBER * count))
		return false;
	put_part_tag(writer, part);
	begin = writer->to = begin_message(writer->to);
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			*writer->to++ = ',';
		writer->to = put_number(writer->to, element(&part->access, bytes, i, big_endian),
					part->access.is_signed);
	}
	writer->to = end_message(begin, writer->to);
	return true;
}

static bool put_bits(struct event_writer *writer, const struct part *part, const uint8_t *bytes,
		     uint32_t size, bool big_endian)
{
	uint32_t long_size = part->access.width;
	uint8_t *begin;

	if (size > BITMASK_MOST || !long_size)
		return true;
	if (!make_room(writer, (size_t)CHARS_A_NUMBER * 8 * size))
		return false;
	put_part_tag(writer, part);
	begin = writer->to = begin_message(writer->to);
	for (uint32_t bit = 0; bit < 8 * size; bit++) {
		/* Bits are numbered within words, of which big-endian ones begin with the last bits. */
		uint32_t word = bit / 8 / long_size * long_size, in_word = bit / 8 % long_size;
		uint32_t byte = word + (big_endian ? long_size - 1 - in_word : in_word);

		if (byte >= size || !(bytes[byte] >> bit % 8 & 1))
			continue;
		if (writer->to != begin)
			*writer->to++ = ',';
		writer->to = put_decimal(writer->to, bit);
	}
	writer->to = end_message(begin, writer->to);
	return true;
}

static bool put_repeated(struct event_writer *writer, const struct part *part, const uint8_t *bytes,
			 uint32_t size, bool big_endian)
{
	uint32_t count = element_count(&part->access, bytes, size, big_endian);

	if (!make_room(writer, (size_t)(TAG_ROOM + VARINT_ROOM) * count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		put_part_tag(writer, part);
		writer->to = put_varint(writer->to, element(&part->access, bytes, i, big_endian));
	}
	return true;
}

static struct text name_of(struct function_names *names, uint64_t address, char *spare)
{
	struct text name = names_text(names, address, spare);

	name.size = name.size < NAME_MOST ? name.size : NAME_MOST;
	return name;
}

static bool put_functions(struct event_writer *writer, const struct part *part, struct function_names *names,
			  const uint8_t *bytes, uint32_t size, bool big_endian)
{
	uint32_t count = element_count(&part->access, bytes, size, big_endian);
	size_t begin;

	if (!make_room(writer, TAG_ROOM + LENGTH_ROOM))
		return false;
	put_part_tag(writer, part);
	writer->to = begin_message(writer->to);
	begin = (size_t)(writer->to - (uint8_t *)writer->out->data);
	for (uint32_t i = 0; i < count; i++) {
		char spare[NAME_SPARE];
		struct text name = name_of(names, element(&part->access, bytes, i, big_endian), spare);

		if (!make_room(writer, UTF8_GROWTH * NAME_MOST + LENGTH_ROOM))
			return false;
		if (i)
			*writer->to++ = ',';
		writer->to += utf8_copy(writer->to, (const uint8_t *)name.start, name.size);
	}
	writer->to = end_message((uint8_t *)writer->out->data + begin, writer->to);
	return true;
}

/* --- one part -------------------------------------------------------------------------------- */

static bool put_bytes_part(struct event_writer *writer, const struct part *part,
			   const struct walk_record *record)
{
	bool big_endian = writer->facts->big_endian;
	const uint8_t *bytes;
	uint32_t size;

	if (!column_find_bytes(record->payload, record->size, &part->access, big_endian, &bytes, &size))
		return true;
	switch (part->kind) {
	case PART_TEXT:
		return put_text(writer, part,
				(struct text){ (const char *)bytes, length_to_nul(bytes, size) });
	case PART_LINE:
		size = length_to_nul(bytes, size);
		while (size && bytes[size - 1] == '\n')
			size--;
		return put_text(writer, part, (struct text){ (const char *)bytes, size });
	case PART_HEX:
		return put_hex(writer, part, bytes, size);
	case PART_LIST:
		return put_list(writer, part, bytes, size, big_endian);
	case PART_BITS:
		return put_bits(writer, part, bytes, size, big_endian);
	case PART_REPEATED:
		return put_repeated(writer, part, bytes, size, big_endian);
	default:
		return put_functions(writer, part, writer->facts->names, bytes, size, big_endian);
	}
}

static bool put_part(struct event_writer *writer, const struct part *part, const struct walk_record *record)
{
	struct function_names *names = writer->facts->names;
	bool big_endian = writer->facts->big_endian;
	char spare[NAME_SPARE];
	uint64_t value;

	switch (part->kind) {
	case PART_INTEGER:
		if (TRC_UNLIKELY(!plan_integer(record, &part->access, big_endian, &value)))
			return true;
		put_part_tag(writer, part);
		writer->to = put_varint(writer->to, value);
		return true;
	case PART_FUNCTION:
		if (!plan_integer(record, &part->access, big_endian, &value))
			return true;
		put_part_tag(writer, part);
		writer->to = put_varint(writer->to, names_intern(names, value));
		return !names->no_memory;
	case PART_NAME:
		return !plan_integer(record, &part->access, big_endian, &value) ||
		       put_text(writer, part, name_of(names, value, spare));
	case PART_GIVEN:
		return put_text(writer, part, writer->facts->given);
	case PART_CONSTANT:
		memcpy(writer->to, part->constant.start, part->constant.size);
		writer->to += part->constant.size;
		return true;
	default:
		return put_bytes_part(writer, part, record);
	}
}

/* A field with its name, as events without a descriptor have them. */
static bool put_named(struct event_writer *writer, const struct part *part, const struct walk_record *record)
{
	size_t begin, value;

	writer->to = begin_message(put_tag(writer->to, OLD_GENERIC_FIELD, WIRE_BYTES));
	begin = (size_t)(writer->to - (uint8_t *)writer->out->data);
	memcpy(writer->to, part->name.start, part->name.size);
	writer->to += part->name.size;
	value = begin + part->name.size;
	if (!put_part(writer, part, record))
		return false;
	if (writer->to == (uint8_t *)writer->out->data + value) /* it has none: nothing of it is left */
		writer->to = (uint8_t *)writer->out->data + begin - 3;
	else
		writer->to = end_message((uint8_t *)writer->out->data + begin, writer->to);
	return true;
}

/* --- one record ------------------------------------------------------------------------------ */

static bool put_parts(struct event_writer *writer, const struct plan *plan, const struct walk_record *record)
{
	for (const struct part *part = plan->parts, *end = part + plan->part_count; part != end; part++) {
		if (!(part->name.size ? put_named(writer, part, record) : put_part(writer, part, record)))
			return false;
	}
	return true;
}

bool plan_write(const struct plan *plan, const struct walk_record *record, const struct record_facts *facts,
		struct output *out)
{
	struct event_writer writer = { .facts = facts, .out = out, .rest = plan->room + HEAD_ROOM };
	size_t event = out->size + 3, message;

	writer.to = (uint8_t *)output_reserve(out, writer.rest);
	if (!writer.to)
		return false;
	writer.to = begin_message(put_tag(writer.to, BUNDLE_EVENT, WIRE_BYTES));
	writer.to = put_integer(writer.to, EVENT_TIMESTAMP, record->ts);
	writer.to = put_integer(writer.to, EVENT_PID, facts->pid);
	memcpy(writer.to, plan->head, TAG_ROOM);
	writer.to = begin_message(writer.to + plan->head_size);
	message = (size_t)(writer.to - (uint8_t *)out->data);
	if (plan->prefix.size)
		memcpy(writer.to, plan->prefix.start, plan->prefix.size);
	writer.to += plan->prefix.size;
	if (!put_parts(&writer, plan, record))
		return false;
	writer.to = end_message((uint8_t *)out->data + message, writer.to);
	writer.to = end_message((uint8_t *)out->data + event, writer.to);
	out->size = (size_t)(writer.to - (uint8_t *)out->data);
	return true;
}
