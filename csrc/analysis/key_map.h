/* SPDX-License-Identifier: MIT */
/* Keys of a few words, numbered from 0 in the order in which they came. */
#ifndef TRC_ANALYSIS_KEY_MAP_H
#define TRC_ANALYSIS_KEY_MAP_H

#include "analysis/analysis.h"

struct key_map {
	unsigned words;	 /* of a key */
	uint64_t *keys;	 /* [room][words] */
	uint32_t *slots; /* [slot_count], a power of two: number + 1, 0: free */
	size_t count, room, slot_count;
	uint64_t seed; /* so that no file can know which keys meet */
};

#define KEY_NONE UINT32_MAX

/* A key's number, KEY_NONE where there is no room for it; *added: it is new. */
uint32_t key_map_add(struct key_map *map, struct trc_analysis *analysis, const uint64_t *key, bool *added);
/* KEY_NONE: it is not there. */
uint32_t key_map_find(const struct key_map *map, const uint64_t *key);
void key_map_deinit(struct key_map *map);
/* Gives back what it spent as well; it is as at first then. */
void key_map_clear(struct key_map *map, struct trc_analysis *analysis);

TRC_INLINE const uint64_t *key_map_key(const struct key_map *map, uint32_t number)
{
	return map->keys + (size_t)number * map->words;
}

/* Texts by number; a zeroed one is empty. */
struct text_table {
	struct text *texts; /* [room] */
	uint32_t *slots;
	size_t count, room, slot_count;
	uint64_t seed;
	struct arena arena;
};

/* A text's number, KEY_NONE where there is no room for it. */
uint32_t text_table_add(struct text_table *table, struct trc_analysis *analysis, struct text text);
void text_table_deinit(struct text_table *table);

#endif
