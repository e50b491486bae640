/* SPDX-License-Identifier: MIT */
/*
 * A file as all who parse it need it: its bytes, what its header says of them, and what reading them may
 * take. trace-cmd.dat.v7(5), INITIAL FORMAT.
 */
#ifndef TRC_FILE_IMAGE_H
#define TRC_FILE_IMAGE_H

#include "base/budget.h"
#include "compress/compress.h"
#include "file/api.h"
#include "file/cursor.h"
#include "platform/map.h"

struct image {
	struct map map;
	struct budget budget;
	struct trc_header header;
	enum compression compression;
	uint64_t body; /* first byte after the initial header */
};

/* A sub-buffer's size: a power of two from 512 bytes to 16 MiB. */
static inline bool page_size_valid(uint32_t size)
{
	return size >= 512 && size <= 16 << 20 && !(size & (size - 1));
}

/* A window of the file for cursors: they look at a little here and there, mostly on and on. */
struct map_window image_window(const struct image *image);

/* A cursor over the whole file, at its first byte. It and its like use the window, which must outlive them. */
struct cursor image_cursor(const struct image *image, struct map_window *window, const char *structure);

#endif
