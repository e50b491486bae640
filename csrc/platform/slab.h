/* SPDX-License-Identifier: MIT */
/*
 * Memory for the arrays of batches, cut from large pieces for which the system is asked for huge
 * pages: touching an array for the first time costs more than filling it otherwise. Pieces whose
 * arrays are all released are used again.
 *
 * A pool belongs to one thread at a time; what was cut from it may be released anywhere, and may
 * outlive it.
 */
#ifndef TRC_PLATFORM_SLAB_H
#define TRC_PLATFORM_SLAB_H

#include "base/internal.h"

struct slab;

#define SLABS_KEPT 4 /* what is used again while a reader's consumer is a few batches behind */

struct slab_pool {
	struct slab *slabs[SLABS_KEPT]; /* the pool's own references; NULL: none yet */
	unsigned current;		/* the one that is cut from */
};

/* A zeroed pool is good to go. */
void slab_pool_deinit(struct slab_pool *pool);

/*
 * size bytes, aligned for every consumer; *slab is to be released when they are not needed any
 * more. NULL: they are better got from malloc(), as there is no pool, or memory is short.
 */
uint8_t *slab_cut(struct slab_pool *pool, size_t size, struct slab **slab);
void slab_release(struct slab *slab);

#endif
