/* SPDX-License-Identifier: MIT */
#include "print_fmt/symbol_cache.h"

#include <stdlib.h>

#include "base/number.h"

struct symbol_cache *symbol_cache_create(const struct kallsyms *kallsyms)
{
	struct symbol_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->kallsyms = kallsyms;
	/* Fresh slots have key 0, which is at home in one of them only: let that not match either. */
	cache->slots[symbol_cache_slot(0)].key = 1;
	return cache;
}

void symbol_cache_destroy(struct symbol_cache *cache)
{
	free(cache);
}

/* "NAME+0xOFFSET", as %pS shows it. */
static void remember_text(struct cached_symbol *slot)
{
	size_t size = slot->name.size;
	char *end;

	if (size > CACHED_TEXT_ROOM - 3 - 16)
		return;
	memcpy(slot->text, slot->name.start, size);
	memcpy(slot->text + size, "+0x", 3);
	end = number_hex(slot->text + size + 3, slot->key - slot->address);
	slot->text_size = (size_t)(end - slot->text);
}

struct cached_symbol *symbol_cache_fill(struct symbol_cache *cache, struct cached_symbol *slot,
					uint64_t address)
{
	struct symbol symbol;

	*slot = (struct cached_symbol){ .key = address };
	if (cache->kallsyms && kallsyms_find(cache->kallsyms, address, &symbol)) {
		slot->address = symbol.address;
		slot->name = symbol.name;
		remember_text(slot);
	}
	return slot;
}
