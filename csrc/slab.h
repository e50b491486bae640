/* SPDX-License-Identifier: MIT */
/*
 * Memory for the arrays of batches, cut from large pieces for which the system is asked for huge
 * pages: touching an array for the first time costs more than filling it otherwise. Pieces whose
 * arrays are all released are used again.
 *
 * A pool belongs to one thread at a time; what was cut from it may be released anywhere, and may
 * outlive it.
 */
#ifndef TRC_SLAB_H
#define TRC_SLAB_H

#include "internal.h"

struct slab;

struct slab_pool {
	struct slab *current, *spare;	/* the pool's own references; NULL: none yet */
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
