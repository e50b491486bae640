/* SPDX-License-Identifier: MIT */
/*
 * Recently looked up kernel symbols. A binary search through 200,000 of them misses the cache
 * a dozen times, and traces name the same few functions over and over. One per thread.
 */
#ifndef TRC_SYMBOL_CACHE_H
#define TRC_SYMBOL_CACHE_H

#include "kallsyms.h"

#define SYMBOL_CACHE_SIZE 2048	/* a power of two */

struct cached_symbol {
	uint64_t key;		/* the address asked for */
	uint64_t address;	/* of the symbol */
	struct text name;	/* start NULL: there is no symbol */
};

struct symbol_cache {
	const struct kallsyms *kallsyms;	/* NULL: none */
	struct cached_symbol slots[SYMBOL_CACHE_SIZE];
};

/* NULL: out of memory. */
struct symbol_cache *symbol_cache_create(const struct kallsyms *kallsyms);
void symbol_cache_destroy(struct symbol_cache *cache);

/* The symbol address belongs to, or NULL; valid until the next call. */
const struct cached_symbol *symbol_cache_find(struct symbol_cache *cache, uint64_t address);

#endif
