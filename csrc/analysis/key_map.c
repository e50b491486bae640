/* SPDX-License-Identifier: MIT */
#include "analysis/key_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"

#define FIRST_SLOTS 64

/* --- slots ----------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

/* Where an allocation lies is nothing that a file can foresee. */
static uint64_t seed_of(const void *memory)
{
	return mix((uintptr_t)memory >> 4);
}

static bool no_room(struct trc_analysis *analysis)
{
	analysis->no_memory = true;
	return false;
}

/* Twice the slots, all free. */
static bool grow_slots(uint32_t **slots, size_t *slot_count, struct trc_analysis *analysis)
{
	size_t count = *slot_count ? 2 * *slot_count : FIRST_SLOTS;
	uint32_t *grown;

	if (count > UINT32_MAX || !analysis_spend(analysis, (count - *slot_count) * sizeof(**slots)))
		return false;
	grown = calloc(count, sizeof(*grown));
	if (!grown)
		return no_room(analysis);
	free(*slots);
	*slots = grown;
	*slot_count = count;
	return true;
}

/* An array with room for more elements; NULL: there is none, and the array is as it was. */
static void *grow(void *array, size_t *room, size_t element, struct trc_analysis *analysis)
{
	void *grown;

	if (!analysis_spend(analysis, (*room ? *room : FIRST_SLOTS) * element))
		return NULL;
	grown = array_grow(array, room, FIRST_SLOTS, element);
	analysis->no_memory |= !grown;
	return grown;
}

/* --- keys ------------------------------------------------------------------------------------ */

static uint64_t hash_key(const struct key_map *map, const uint64_t *key)
{
	uint64_t hash = map->seed;

	for (unsigned i = 0; i < map->words; i++)
		hash = mix(hash ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint32_t *key_slot(const struct key_map *map, const uint64_t *key)
{
	size_t mask = map->slot_count - 1;

	for (size_t at = hash_key(map, key) & mask;; at = (at + 1) & mask) {
		uint32_t *slot = &map->slots[at];

		if (!*slot || !memcmp(key_map_key(map, *slot - 1), key, map->words * sizeof(*key)))
			return slot;
	}
}

static bool key_map_reserve(struct key_map *map, struct trc_analysis *analysis)
{
	if (map->count == map->room) {
		uint64_t *keys = grow(map->keys, &map->room, map->words * sizeof(*map->keys), analysis);

		if (!keys)
			return false;
		map->keys = keys;
	}
	if (map->count < map->slot_count / 2)
		return true;
	if (!grow_slots(&map->slots, &map->slot_count, analysis))
		return false;
	map->seed = seed_of(map->slots);
	for (uint32_t i = 0; i < map->count; i++)
		*key_slot(map, key_map_key(map, i)) = i + 1;
	return true;
}

uint32_t key_map_add(struct key_map *map, struct trc_analysis *analysis, const uint64_t *key, bool *added)
{
	uint32_t *slot = map->slot_count ? key_slot(map, key) : NULL;

	*added = false;
	if (TRC_LIKELY(slot && *slot))
		return *slot - 1;
	if (!key_map_reserve(map, analysis))
		return KEY_NONE;
	memcpy(map->keys + map->count * map->words, key, map->words * sizeof(*key));
	*key_slot(map, key) = (uint32_t)++map->count;
	*added = true;
	return (uint32_t)map->count - 1;
}

uint32_t key_map_find(const struct key_map *map, const uint64_t *key)
{
	const uint32_t *slot = map->slot_count ? key_slot(map, key) : NULL;

	return slot && *slot ? *slot - 1 : KEY_NONE;
}

void key_map_deinit(struct key_map *map)
{
	free(map->keys);
	free(map->slots);
}

void key_map_clear(struct key_map *map, struct trc_analysis *analysis)
{
	uint64_t spent = map->room * map->words * sizeof(*map->keys) + map->slot_count * sizeof(*map->slots);
	uint64_t *memory = &analysis->account.spent.memory;

	*memory = *memory > spent ? *memory - spent : 0;
	key_map_deinit(map);
	*map = (struct key_map){ .words = map->words };
}

/* --- texts ----------------------------------------------------------------------------------- */

static uint32_t *text_slot(const struct text_table *table, struct text text)
{
	size_t mask = table->slot_count - 1;
	uint64_t hash = table->seed;

	for (size_t i = 0; i < text.size; i++)
		hash = (hash ^ (uint8_t)text.start[i]) * UINT64_C(0x100000001b3);
	for (size_t at = mix(hash) & mask;; at = (at + 1) & mask) {
		uint32_t *slot = &table->slots[at];

		if (!*slot || text_equal(table->texts[*slot - 1], text))
			return slot;
	}
}

static bool text_table_reserve(struct text_table *table, struct trc_analysis *analysis)
{
	if (table->count == table->room) {
		struct text *texts = grow(table->texts, &table->room, sizeof(*table->texts), analysis);

		if (!texts)
			return false;
		table->texts = texts;
	}
	if (table->count < table->slot_count / 2)
		return true;
	if (!grow_slots(&table->slots, &table->slot_count, analysis))
		return false;
	table->seed = seed_of(table->slots);
	for (uint32_t i = 0; i < table->count; i++)
		*text_slot(table, table->texts[i]) = i + 1;
	return true;
}

uint32_t text_table_add(struct text_table *table, struct trc_analysis *analysis, struct text text)
{
	uint32_t *slot = table->slot_count ? text_slot(table, text) : NULL;
	char *copy;

	if (TRC_LIKELY(slot && *slot))
		return *slot - 1;
	if (!text_table_reserve(table, analysis) || !analysis_spend(analysis, text.size + 1))
		return KEY_NONE;
	copy = arena_alloc(&table->arena, text.size + 1);
	if (!copy) {
		no_room(analysis);
		return KEY_NONE;
	}
	if (text.size)
		memcpy(copy, text.start, text.size);
	table->texts[table->count] = (struct text){ copy, text.size };
	*text_slot(table, text) = (uint32_t)++table->count;
	return (uint32_t)table->count - 1;
}

void text_table_deinit(struct text_table *table)
{
	free(table->texts);
	free(table->slots);
	arena_deinit(&table->arena);
}
