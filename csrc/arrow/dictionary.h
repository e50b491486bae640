/* SPDX-License-Identifier: MIT */
/* The distinct texts of a column: found by their hash, numbered as they come. */
#ifndef TRC_ARROW_DICTIONARY_H
#define TRC_ARROW_DICTIONARY_H

#include "arrow/buffer.h"

/* Distinct texts, numbered from 0. */
struct dictionary {
	struct arrow_buffer offsets, bytes; /* int32: where each begins, and the last one ends */
	uint32_t count;
	uint32_t *slots; /* [room], a power of two: number + 1, 0: free */
	size_t room;
};

/* Number of a text, which is put in if it is new; UINT32_MAX: out of memory. */
uint32_t dictionary_add(struct dictionary *dictionary, const uint8_t *text, size_t size);

#endif
