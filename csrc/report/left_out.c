/* SPDX-License-Identifier: MIT */
#include "report/left_out.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct left_records *left, size_t size)
{
	if (left->count == left->room) {
		size_t room = 2 * left->room + 64;
		struct trc_left_out *larger = realloc(left->list, room * sizeof(*larger));

		if (!larger)
			return false;
		left->list = larger;
		left->room = room;
	}
	if (size > left->payload_room - left->payload_size) {
		size_t room = 2 * left->payload_room + size + 4096;
		uint8_t *larger = realloc(left->payload, room);

		if (!larger)
			return false;
		left->payload = larger;
		left->payload_room = room;
	}
	return true;
}

bool left_records_add(struct left_records *left, struct trc_left_out record, const uint8_t *payload)
{
	if (!make_room(left, record.size))
		return false;
	if (record.size)
		memcpy(left->payload + left->payload_size, payload, record.size);
	left->payload_size += record.size;
	record.payload_end = left->payload_size;
	left->list[left->count++] = record;
	return true;
}

void left_records_clear(struct left_records *left)
{
	left->count = left->payload_size = 0;
}

void left_records_deinit(struct left_records *left)
{
	free(left->list);
	free(left->payload);
	*left = (struct left_records){ 0 };
}
