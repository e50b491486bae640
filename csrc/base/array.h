/* SPDX-License-Identifier: MIT */
/* Arrays that grow as elements are added. */
#ifndef TRC_BASE_ARRAY_H
#define TRC_BASE_ARRAY_H

#include "base/internal.h"

/*
 * The array with room for twice as many elements, or for first of them where it had none; NULL: out of
 * memory, and all is as it was.
 */
void *array_grow(void *array, size_t *room, size_t first, size_t element_size);

#endif
