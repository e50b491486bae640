/* SPDX-License-Identifier: MIT */
/*
 * A whole file: mapped, or read piece by piece into memory of our own. All platform code of the core
 * is here, and every byte of a file comes through a map_window or map_load().
 */
#ifndef TRC_PLATFORM_MAP_H
#define TRC_PLATFORM_MAP_H

#include <stdatomic.h>

#include "base/internal.h"

struct map {
	const uint8_t *base;	/* NULL: not mapped, but read; and for an empty file */
	uint64_t size;		/* when it was opened */
	int fd;			/* owned; kept to read from, and to notice a file that shrinks */
	atomic_size_t *visited; /* bytes that map_visited() reported since pages were given back last; owned */
};

/*
 * Both fail with TRC_SYSTEM and the errno. map_open_fd() works on a duplicate: fd stays the caller's.
 * read: it is not mapped.
 */
int map_open(const char *path, bool read, struct map *out, struct trc_error *err);
int map_open_fd(int fd, bool read, struct map *out, struct trc_error *err);
void map_close(struct map *map);

/* TRC_TRUNCATED when the file is shorter than it was: touching the rest of a mapping would be SIGBUS. */
int map_check(const struct map *map, struct trc_error *err);

/*
 * Reads [offset, offset + size) once into memory of the caller's. TRC_TRUNCATED: the file has become
 * too short for that. TRC_SYSTEM: it cannot be read.
 */
int map_read(const struct map *map, uint64_t offset, size_t size, uint8_t *to, struct trc_error *err);

/*
 * Bytes of the file that stay: *data lies in the mapping, or in memory of its own, which then is
 * *owned, too, and for the caller to free. TRC_LIMIT: that would take more than MAP_LOAD_MAX.
 */
#define MAP_LOAD_MAX (UINT64_C(256) << 20)
int map_load(const struct map *map, uint64_t offset, uint64_t size, const uint8_t **data, void **owned,
	     struct trc_error *err);

/*
 * The part of a file that is at hand. Each time that another one comes in, the file's size is asked for
 * again: one that has become shorter is noticed within a window. One a reader; a zeroed one but for map
 * is ready.
 */
struct map_window {
	const struct map *map;
	uint64_t step;	    /* so many bytes come in at once, or as many as are asked for */
	uint64_t low, high; /* file offsets: no more than this comes in unasked; high 0: no bounds */
	bool backwards;	    /* what comes in unasked lies in front */
	bool keep_mapped;   /* map_visited() is not told */

	/* What is there. */
	uint64_t offset, size;
	const uint8_t *at;
	uint8_t *owned; /* not mapped: where it is read to */
	size_t room;
};

/* Brings in another part, that begins (backwards: ends) with what is asked for. */
int map_window_move(struct map_window *window, uint64_t offset, uint64_t size, struct trc_error *err);
void map_window_deinit(struct map_window *window);

/*
 * [offset, offset + size) of the file, which was that long when it was opened. Mapped, the bytes stay;
 * else they are good until the window's next use that fails or asks for others than are there.
 */
TRC_INLINE int map_window_get(struct map_window *window, uint64_t offset, uint64_t size,
			      const uint8_t **bytes, struct trc_error *err)
{
	if (TRC_UNLIKELY(offset - window->offset > window->size ||
			 size > window->size - (offset - window->offset))) {
		int rc = map_window_move(window, offset, size, err);

		if (rc)
			return rc;
	}
	/* NULL where nothing came in and nothing is asked for: C does not let it be moved by 0. */
	*bytes = offset == window->offset ? window->at : window->at + (offset - window->offset);
	return TRC_OK;
}

/*
 * For those who read most of a file: tells that so many bytes come in. Now and then all pages are given
 * back, whoever has read them, so that however many threads and walks there are, about MAP_VISITED_MAX bytes
 * are resident. Pages that are still being read come in once more.
 */
#define MAP_VISITED_MAX ((size_t)32 << 20)
void map_visited(const struct map *map, uint64_t size);

/* Tells it that [offset, offset + size) is not needed any more: bounds the resident memory. */
void map_drop(const struct map *map, uint64_t offset, uint64_t size);

/* How the mapping will be read: here and there (no read-ahead from the disk), or in order. */
void map_expect_jumps(const struct map *map, bool jumps);

/* Asks for huge pages under memory of our own that will be touched soon. A hint. */
void map_prefer_huge(void *memory, size_t size);

#endif
