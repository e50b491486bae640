/* SPDX-License-Identifier: MIT */
#include "slab.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "map.h"

#define SLAB_BYTES ((size_t)8 << 20)
#define HUGE_PAGE ((size_t)2 << 20)
#define ALIGNMENT ((size_t)64)		/* what Arrow recommends */
#define CUT_LEAST ((size_t)64 << 10)	/* less is malloc()'s business: it has that at hand */
#define CUT_MOST (SLAB_BYTES / 8)	/* at most so much is left over at a slab's end */

struct slab {
	void *memory;		/* malloc()'s */
	uint8_t *bytes;		/* in it, at the start of a huge page */
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
	slab_release(pool->current);
	slab_release(pool->spare);
	*pool = (struct slab_pool){ 0 };
}

/* Nothing that was cut from it is in use: only the pool knows it. */
static bool is_free(struct slab *slab)
{
	return slab && atomic_load_explicit(&slab->references, memory_order_acquire) == 1;
}

/* The current slab has no room: the spare one takes its place, or a new one. */
static bool next_slab(struct slab_pool *pool)
{
	struct slab *next = pool->spare;

	if (is_free(next)) {
		next->used = 0;
	} else {
		next = slab_create();
		if (!next)
			return false;
		slab_release(pool->spare);
	}
	pool->spare = pool->current;
	pool->current = next;
	return true;
}

uint8_t *slab_cut(struct slab_pool *pool, size_t size, struct slab **slab)
{
	uint8_t *bytes;

	if (!pool || size < CUT_LEAST || size > CUT_MOST)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (is_free(pool->current))
		pool->current->used = 0;
	if ((!pool->current || size > SLAB_BYTES - pool->current->used) && !next_slab(pool))
		return NULL;
	*slab = pool->current;
	bytes = pool->current->bytes + pool->current->used;
	pool->current->used += size;
	atomic_fetch_add_explicit(&pool->current->references, 1, memory_order_relaxed);
	return bytes;
}
