/* SPDX-License-Identifier: MIT */
/*
 * What a thread remembers from record to record, because traces say the same few things over and
 * over: kernel symbols, since a binary search through 200,000 of them misses the processor's cache
 * a dozen times, and the texts of flags.
 */
#ifndef TRC_PRINT_FMT_SYMBOL_CACHE_H
#define TRC_PRINT_FMT_SYMBOL_CACHE_H

#include "base/output.h"
#include "metadata/kallsyms.h"

/* The longest text remembered; copy_twice() copies it. */
#define CACHED_TEXT_ROOM COPY_TWICE

#define SYMBOL_CACHE_SIZE 2048 /* a power of two */

struct cached_symbol {
	uint64_t key;		     /* the address asked for */
	uint64_t address;	     /* of the symbol */
	struct text name;	     /* start NULL: there is no symbol */
	size_t text_size;	     /* 0: the text is too long, or there is no symbol */
	char text[CACHED_TEXT_ROOM]; /* NAME+0xOFFSET; name.size bytes of it are the name */
};

#define FLAGS_CACHE_SIZE 256 /* a power of two */

struct cached_flags {
	const void *of; /* the step whose flags these are; NULL: the slot is free */
	uint64_t value;
	size_t size;
	char text[CACHED_TEXT_ROOM];
};

struct symbol_cache {
	const struct kallsyms *kallsyms; /* NULL: none */
	struct cached_flags flags[FLAGS_CACHE_SIZE];
	struct cached_symbol slots[SYMBOL_CACHE_SIZE];
};

/* NULL: out of memory. */
struct symbol_cache *symbol_cache_create(const struct kallsyms *kallsyms);
void symbol_cache_destroy(struct symbol_cache *cache);

struct cached_symbol *symbol_cache_fill(struct symbol_cache *cache, struct cached_symbol *slot,
					uint64_t address);

TRC_INLINE size_t symbol_cache_slot(uint64_t address)
{
	return (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (SYMBOL_CACHE_SIZE - 1);
}

/* The symbol address belongs to, or NULL; valid until the next call. */
TRC_INLINE const struct cached_symbol *symbol_cache_find(struct symbol_cache *cache, uint64_t address)
{
	struct cached_symbol *slot = &cache->slots[symbol_cache_slot(address)];

	if (TRC_UNLIKELY(slot->key != address))
		slot = symbol_cache_fill(cache, slot, address);
	return slot->name.start ? slot : NULL;
}

/* Where the text of these flags is or belongs. */
TRC_INLINE struct cached_flags *flags_cache_slot(struct symbol_cache *cache, const void *of, uint64_t value)
{
	uint64_t key = (value + (uintptr_t)of) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache->flags[key >> 32 & (FLAGS_CACHE_SIZE - 1)];
}

#endif
