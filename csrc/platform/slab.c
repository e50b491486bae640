/* SPDX-License-Identifier: MIT */
#include "platform/slab.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "platform/map.h"

#define SLAB_BYTES ((size_t)8 << 20)
#define HUGE_PAGE ((size_t)2 << 20)
#define ALIGNMENT ((size_t)64)	     /* what Arrow recommends */
#define CUT_LEAST ((size_t)64 << 10) /* less is malloc()'s business: it has that at hand */
#define CUT_MOST (SLAB_BYTES / 8)    /* at most so much is left over at a slab's end */

struct slab {
	void *memory;	/* malloc()'s */
	uint8_t *bytes; /* in it, at the start of a huge page */
	size_t used;
	atomic_size_t references;
};

/*
 * Not aligned_alloc(): asking for pieces of one size only, malloc() can make one piece of another
 * that was given back, however they lie.
 */
static struct slab *slab_create(void)
{
	struct slab *slab = malloc(sizeof(*slab));

	if (!slab)
		return NULL;
	slab->memory = malloc(SLAB_BYTES + HUGE_PAGE);
	if (!slab->memory) {
		free(slab);
		return NULL;
	}
	slab->bytes = (uint8_t *)slab->memory + (HUGE_PAGE - (uintptr_t)slab->memory % HUGE_PAGE);
	map_prefer_huge(slab->bytes, SLAB_BYTES);
	slab->used = 0;
	atomic_init(&slab->references, 1);
	return slab;
}

void slab_release(struct slab *slab)
{
	if (!slab || atomic_fetch_sub_explicit(&slab->references, 1, memory_order_acq_rel) != 1)
		return;
	free(slab->memory);
	free(slab);
}

void slab_pool_deinit(struct slab_pool *pool)
{
	for (unsigned i = 0; i < SLABS_KEPT; i++)
		slab_release(pool->slabs[i]);
	*pool = (struct slab_pool){ 0 };
}

/* Nothing that was cut from it is in use: only the pool knows it. */
static bool is_free(struct slab *slab)
{
	return slab && atomic_load_explicit(&slab->references, memory_order_acquire) == 1;
}

/* The current slab has no room: one that is free takes its place, or a new one, for which the next goes. */
static bool next_slab(struct slab_pool *pool)
{
	struct slab *created;

	for (unsigned i = 0; i < SLABS_KEPT; i++) {
		if (is_free(pool->slabs[i])) {
			pool->slabs[i]->used = 0;
			pool->current = i;
			return true;
		}
	}
	created = slab_create();
	if (!created)
		return false;
	pool->current = (pool->current + 1) % SLABS_KEPT;
	slab_release(pool->slabs[pool->current]);
	pool->slabs[pool->current] = created;
	return true;
}

uint8_t *slab_cut(struct slab_pool *pool, size_t size, struct slab **slab)
{
	struct slab *current;
	uint8_t *bytes;

	if (!pool || size < CUT_LEAST || size > CUT_MOST)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	current = pool->slabs[pool->current];
	if (is_free(current))
		current->used = 0;
	if (!current || size > SLAB_BYTES - current->used) {
		if (!next_slab(pool))
			return NULL;
		current = pool->slabs[pool->current];
	}
	*slab = current;
	bytes = current->bytes + current->used;
	current->used += size;
	atomic_fetch_add_explicit(&current->references, 1, memory_order_relaxed);
	return bytes;
}
