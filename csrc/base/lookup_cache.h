/* SPDX-License-Identifier: MIT */
/*
 * Numbers that were looked up lately, by keys of 16 bytes: a few of them stand in most records. Each key
 * has one slot where it can be.
 */
#ifndef TRC_BASE_LOOKUP_CACHE_H
#define TRC_BASE_LOOKUP_CACHE_H

#include "base/internal.h"

#define LOOKUP_SLOT_BITS 9

struct lookup_slot {
	uint64_t a, b; /* the key */
	uint32_t number;
};

struct lookup_cache {
	struct lookup_slot slots[1 << LOOKUP_SLOT_BITS];
};

TRC_INLINE struct lookup_slot *lookup_slot_of(struct lookup_cache *cache, uint64_t a, uint64_t b)
{
	uint64_t hash = (a ^ (b << 7 | b >> 57)) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache->slots[hash >> (64 - LOOKUP_SLOT_BITS)];
}

TRC_INLINE bool lookup_slot_has(const struct lookup_slot *slot, uint64_t a, uint64_t b)
{
	return TRC_LIKELY(((slot->a ^ a) | (slot->b ^ b)) == 0);
}

/* An empty slot has a key that belongs into another: (0, 0), which belongs into the first one. */
TRC_INLINE void lookup_cache_clear(struct lookup_cache *cache)
{
	for (size_t i = 0; i < countof(cache->slots); i++)
		cache->slots[i] = (struct lookup_slot){ i == 0, 0, 0 };
}

#endif
