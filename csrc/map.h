/* SPDX-License-Identifier: MIT */
/* A read-only mapping of a whole file: the only platform code of the core. */
#ifndef TRC_MAP_H
#define TRC_MAP_H

#include <stdatomic.h>

#include "internal.h"

struct map {
	const uint8_t *base;	/* NULL for an empty file */
	uint64_t size;
	int fd;			/* owned; kept to notice a file that shrinks */
	atomic_size_t *visited;	/* bytes that map_visited() told of since pages were given back last; owned */
};

/* Both fail with TRC_SYSTEM and the errno. map_open_fd() works on a duplicate: fd stays the caller's. */
int map_open(const char *path, struct map *out, struct trc_error *err);
int map_open_fd(int fd, struct map *out, struct trc_error *err);
void map_close(struct map *map);

/* TRC_TRUNCATED when the file is shorter than what was mapped: touching the rest would be SIGBUS. */
int map_check(const struct map *map, struct trc_error *err);

/*
 * Tells the kernel that [offset, offset + size) will be read soon, in order. A hint:
 * failure changes nothing but speed.
 */
void map_populate(const struct map *map, uint64_t offset, uint64_t size);

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
