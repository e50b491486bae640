/* SPDX-License-Identifier: MIT */
/* Memory of many small objects that are all freed at once. */
#ifndef TRC_BASE_ARENA_H
#define TRC_BASE_ARENA_H

#include "base/internal.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	uint8_t *free; /* aligned for any object of the core */
	size_t left;
};

/* Not cleared. NULL: out of memory. A zeroed struct arena is an empty one. */
void *arena_alloc(struct arena *arena, size_t size);
/* Gives back the end of object if that was the last one made; size is what it had, used what it keeps. */
void arena_shrink(struct arena *arena, void *object, size_t size, size_t used);
void arena_deinit(struct arena *arena);

#endif
