/* SPDX-License-Identifier: MIT */
#include "symbol_cache.h"

#include <stdlib.h>

/* Slot i starts with a key that belongs into another slot, so that no fresh slot ever matches. */
static size_t slot_of(uint64_t address)
{
	return (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (SYMBOL_CACHE_SIZE - 1);
}

struct symbol_cache *symbol_cache_create(const struct kallsyms *kallsyms)
{
	struct symbol_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->kallsyms = kallsyms;
	cache->slots[slot_of(0)].key = 1;	/* key 0 is at home in one slot only */
	return cache;
}

void symbol_cache_destroy(struct symbol_cache *cache)
{
	free(cache);
}

static void look_up(const struct kallsyms *kallsyms, uint64_t address, struct cached_symbol *slot)
{
	struct symbol symbol;

	*slot = (struct cached_symbol){ .key = address };
	if (kallsyms && kallsyms_find(kallsyms, address, &symbol)) {
		slot->address = symbol.address;
		slot->name = symbol.name;
	}
}

const struct cached_symbol *symbol_cache_find(struct symbol_cache *cache, uint64_t address)
{
	struct cached_symbol *slot = &cache->slots[slot_of(address)];

	if (slot->key != address)
		look_up(cache->kallsyms, address, slot);
	return slot->name.start ? slot : NULL;
}
