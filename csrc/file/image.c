/* SPDX-License-Identifier: MIT */
#include "file/image.h"

/* Of windows for cursors: what a page fault brings in; a header with a text after it. */
#define MAPPED_STEP (64 << 10)
#define READ_STEP (4 << 10)

struct map_window image_window(const struct image *image)
{
	return (struct map_window){ .map = &image->map, .step = image->map.base ? MAPPED_STEP : READ_STEP };
}

struct cursor image_cursor(const struct image *image, struct map_window *window, const char *structure)
{
	return (struct cursor){
		.window = window,
		.end = image->map.size,
		.structure = structure,
		.big_endian = image->header.big_endian,
	};
}
