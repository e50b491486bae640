/* SPDX-License-Identifier: MIT */
#include "base/array.h"

#include <stdlib.h>

void *array_grow(void *array, size_t *room, size_t first, size_t element_size)
{
	size_t wanted = *room ? *room * 2 : first;
	void *larger = realloc(array, wanted * element_size);

	if (larger)
		*room = wanted;
	return larger;
}
