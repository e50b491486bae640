/* SPDX-License-Identifier: MIT */
/*
 * Protobuf's encoding: protobuf.dev/programming-guides/encoding. Whoever writes has made room; a length that
 * comes to be known later has a place of fixed size in front of the message, which the encoding allows.
 */
#ifndef TRC_PERFETTO_WIRE_H
#define TRC_PERFETTO_WIRE_H

#include <string.h>

#include "base/output.h"

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* Numbers of fields in perfetto_trace.proto. */
enum {
	TRACE_PACKET = 1,
	PACKET_FTRACE_EVENTS = 1,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_MACHINE_ID = 98,
	INTERNED_KERNEL_SYMBOLS = 26,
	INTERNED_STRING_IID = 1,
	INTERNED_STRING_STR = 2,
	BUNDLE_CPU = 1,
	BUNDLE_EVENT = 2,
	BUNDLE_LOST_EVENTS = 3,
	BUNDLE_COMPACT_SCHED = 4,
	BUNDLE_DESCRIPTORS = 11,
	COMPACT_SWITCH_TIMESTAMP = 1,
	COMPACT_SWITCH_PREV_STATE = 2,
	COMPACT_SWITCH_NEXT_PID = 3,
	COMPACT_SWITCH_NEXT_PRIO = 4,
	COMPACT_INTERN_TABLE = 5,
	COMPACT_SWITCH_NEXT_COMM = 6,
	COMPACT_WAKING_TIMESTAMP = 7,
	COMPACT_WAKING_PID = 8,
	COMPACT_WAKING_TARGET_CPU = 9,
	COMPACT_WAKING_PRIO = 10,
	COMPACT_WAKING_COMM = 11,
	COMPACT_WAKING_FLAGS = 12,
	EVENT_TIMESTAMP = 1,
	EVENT_PID = 2,
	EVENT_OLD_GENERIC = 327,
	OLD_GENERIC_NAME = 1,
	OLD_GENERIC_FIELD = 2,
	OLD_FIELD_NAME = 1,
	OLD_FIELD_STR = 3,
	OLD_FIELD_INT = 4,
	OLD_FIELD_UINT = 5,
	SYSCALL_ID = 1,
	SYSCALL_ARGS_OR_RET = 2,
	DESCRIPTOR_FIELD_ID = 1,
	DESCRIPTOR_EVENT = 2,
	DESCRIPTOR_GROUP = 3,
	MESSAGE_NAME = 1, /* google.protobuf.DescriptorProto, and FieldDescriptorProto */
	MESSAGE_FIELD = 2,
	FIELD_NAME = 1,
	FIELD_NUMBER = 3,
	FIELD_LABEL = 4,
	FIELD_TYPE = 5,
	TRACK_EVENT_ANNOTATIONS = 4,
	TRACK_EVENT_TYPE = 9,
	TRACK_EVENT_TRACK = 11,
	TRACK_EVENT_CATEGORIES = 22,
	TRACK_EVENT_NAME = 23,
	ANNOTATION_INT = 4,
	ANNOTATION_STRING = 6,
	ANNOTATION_NAME = 10,
};
enum { STATE_CLEARED = 1, NEEDS_STATE = 2 }; /* PACKET_SEQUENCE_FLAGS */
enum { SLICE_BEGIN = 1, SLICE_END = 2 };     /* TRACK_EVENT_TYPE */

#define VARINT_ROOM 10
#define TAG_ROOM 5
#define LENGTH_ROOM 4 /* what a message's length may need, beside what is in it */

TRC_INLINE uint8_t *put_varint(uint8_t *to, uint64_t value)
{
	while (value > 0x7f) {
		*to++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*to++ = (uint8_t)value;
	return to;
}

TRC_INLINE unsigned varint_size(uint64_t value)
{
	unsigned size = 1;

	while (value >>= 7)
		size++;
	return size;
}

TRC_INLINE uint8_t *put_tag(uint8_t *to, uint32_t number, enum wire_type type)
{
	return put_varint(to, (uint64_t)number << 3 | type);
}

TRC_INLINE uint8_t *put_integer(uint8_t *to, uint32_t number, uint64_t value)
{
	return put_varint(put_tag(to, number, WIRE_VARINT), value);
}

TRC_INLINE uint8_t *put_bytes(uint8_t *to, uint32_t number, const void *bytes, size_t size)
{
	to = put_varint(put_tag(to, number, WIRE_BYTES), size);
	if (size)
		memcpy(to, bytes, size);
	return to + size;
}

/* Where a message begins whose length is put in front of it by end_message(). */
TRC_INLINE uint8_t *begin_message(uint8_t *to)
{
	return to + 2;
}

/* Gives its end, which moves where the length needs more than two bytes. Less than 256 MB. */
TRC_INLINE uint8_t *end_message(uint8_t *begin, uint8_t *end)
{
	size_t size = (size_t)(end - begin);

	begin[-2] = (uint8_t)(size | 0x80);
	if (TRC_LIKELY(size < 1 << 14)) {
		begin[-1] = (uint8_t)(size >> 7);
		return end;
	}
	memmove(begin + 2, begin, size);
	begin[-1] = (uint8_t)(size >> 7 | 0x80);
	begin[0] = (uint8_t)(size >> 14 | 0x80);
	begin[1] = (uint8_t)(size >> 21);
	return end + 2;
}

/* The same appended to what grows; what has no room is dropped, and the output remembers. */
TRC_INLINE void output_varint(struct output *out, uint64_t value)
{
	uint8_t *to = (uint8_t *)output_reserve(out, VARINT_ROOM);

	if (TRC_LIKELY(to != NULL))
		out->size += (size_t)(put_varint(to, value) - to);
}

TRC_INLINE void output_integer(struct output *out, uint32_t number, uint64_t value)
{
	output_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
	output_varint(out, value);
}

TRC_INLINE void output_head(struct output *out, uint32_t number, size_t size)
{
	output_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
	output_varint(out, size);
}

TRC_INLINE void output_field(struct output *out, uint32_t number, const void *bytes, size_t size)
{
	output_head(out, number, size);
	if (size)
		output_bytes(out, bytes, size);
}

TRC_INLINE size_t field_size(uint32_t number, size_t size)
{
	return varint_size((uint64_t)number << 3) + varint_size(size) + size;
}

#endif
