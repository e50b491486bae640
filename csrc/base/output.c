/* SPDX-License-Identifier: MIT */
#include "base/output.h"

#include <stdlib.h>

#define FIRST_ROOM ((size_t)1 << 12)

void output_init(struct output *out)
{
	*out = (struct output){ .limit = SIZE_MAX };
}

void output_deinit(struct output *out)
{
	free(out->data);
	output_init(out);
}

bool output_grow(struct output *out, size_t n)
{
	size_t room = out->room ? out->room : FIRST_ROOM;
	char *data;

	if (n > out->limit - out->size || n > SIZE_MAX / 4) {
		out->cut = true;
		return false;
	}
	while (room - out->size < n && room <= SIZE_MAX / 4)
		room *= 2;
	data = room - out->size < n ? NULL : realloc(out->data, room);
	if (!data) {
		out->no_memory = true;
		return false;
	}
	out->data = data;
	out->room = room;
	out->end = room < out->limit ? room : out->limit;
	return true;
}

void output_fill(struct output *out, char c, size_t n)
{
	char *to = output_reserve(out, n);

	if (to) {
		memset(to, c, n);
		out->size += n;
	}
}
