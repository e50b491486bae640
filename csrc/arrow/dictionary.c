/* SPDX-License-Identifier: MIT */
#include "arrow/dictionary.h"

#include <stdlib.h>
#include <string.h>

#define DICTIONARY_SLOTS 64

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

uint32_t dictionary_add(struct dictionary *dictionary, const uint8_t *text, size_t size)
{
	uint32_t *slot;

	if (!dictionary_make_room(dictionary))
		return UINT32_MAX;
	slot = find_slot(dictionary, text, size);
	if (!*slot) {
		if (!arrow_buffer_put(&dictionary->bytes, text, size) ||
		    !arrow_buffer_put_offset(&dictionary->offsets, dictionary->bytes.size))
			return UINT32_MAX;
		*slot = ++dictionary->count;
	}
	return *slot - 1;
}
