/* SPDX-License-Identifier: MIT */
#include "arrow/buffer.h"

#include <stdlib.h>
#include <string.h>

/* Data that lies in a slab cannot grow there. */
static uint8_t *leave_slab(struct arrow_buffer *buffer, size_t room)
{
	uint8_t *data = malloc(room);

	if (!data)
		return NULL;
	memcpy(data, buffer->data, buffer->size);
	slab_release(buffer->slab);
	buffer->slab = NULL;
	return data;
}

bool arrow_buffer_grow(struct arrow_buffer *buffer, size_t n)
{
	size_t room = 2 * buffer->room;
	uint8_t *data;

	if (n > SIZE_MAX / 4 - buffer->size)
		return false;
	if (room < buffer->size + n) /* as much as is known to come, and not twice that */
		room = (buffer->size + n + ARROW_BUFFER_MIN - 1) / ARROW_BUFFER_MIN * ARROW_BUFFER_MIN;
	data = buffer->slab ? leave_slab(buffer, room) : realloc(buffer->data, room);
	if (!data)
		return false;
	buffer->data = data;
	buffer->room = room;
	return true;
}

void arrow_buffer_free(void *data, struct slab *slab)
{
	if (slab)
		slab_release(slab);
	else
		free(data);
}

void arrow_buffer_deinit(struct arrow_buffer *buffer)
{
	arrow_buffer_free(buffer->data, buffer->slab);
	*buffer = (struct arrow_buffer){ 0 };
}
