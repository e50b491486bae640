/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdlib.h>

#define ALIGNMENT 8
#define BLOCK_SIZE ((size_t)1 << 16)

struct arena_block {
	struct arena_block *next;
	uint64_t data[];
};

static void *block_create(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	uint8_t *object;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	size = aligned(size ? size : 1); /* so that NULL is failure only */
	if (size > BLOCK_SIZE / 4)	 /* on its own, so that the open block is not wasted */
		return block_create(arena, size);
	if (size > arena->left) {
		object = block_create(arena, BLOCK_SIZE);
		if (!object)
			return NULL;
		arena->free = object;
		arena->left = BLOCK_SIZE;
	}
	object = arena->free;
	arena->free += size;
	arena->left -= size;
	return object;
}

void arena_shrink(struct arena *arena, void *object, size_t size, size_t used)
{
	size_t surplus = aligned(size) - aligned(used);

	if ((uint8_t *)object + aligned(size) != arena->free)
		return;
	arena->free -= surplus;
	arena->left += surplus;
}

void arena_deinit(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	*arena = (struct arena){ 0 };
}
