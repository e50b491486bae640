/* SPDX-License-Identifier: MIT */
#define _FILE_OFFSET_BITS 64
#include "map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define FAULT_AROUND (64 << 10)

/* Takes fd over, whatever the outcome. */
static int map_fd(int fd, struct map *out, struct trc_error *err)
{
	struct map map = { .fd = fd };
	struct stat st;
	int rc;

	if (fstat(fd, &st)) {
		rc = trc_fail_errno(err, "fstat");
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
		rc = trc_fail_errno(err, "a trace file must be a regular file to be mapped");
		goto fail;
	}
	map.size = (uint64_t)st.st_size;
	if (map.size > SIZE_MAX) {
		errno = EFBIG;
		rc = trc_fail_errno(err, "mmap");
		goto fail;
	}
	map.visited = malloc(sizeof(*map.visited));
	if (!map.visited) {
		rc = trc_fail_no_memory(err);
		goto fail;
	}
	atomic_init(map.visited, 0);
	if (map.size) {
		void *base = mmap(NULL, (size_t)map.size, PROT_READ, MAP_SHARED, fd, 0);

		if (base == MAP_FAILED) {
			rc = trc_fail_errno(err, "mmap");
			goto fail;
		}
		map.base = base;
	}
	*out = map;
	return TRC_OK;
fail:
	free(map.visited);
	close(fd);
	return rc;
}

int map_open(const char *path, struct map *out, struct trc_error *err)
{
	/* O_NONBLOCK: a FIFO must fail at once, not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return trc_fail_errno(err, "open");
	return map_fd(fd, out, err);
}

int map_open_fd(int fd, struct map *out, struct trc_error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return trc_fail_errno(err, "dup");
	return map_fd(copy, out, err);
}

void map_close(struct map *map)
{
	if (map->base)
		munmap((void *)(uintptr_t)map->base, (size_t)map->size);
	close(map->fd);
	free(map->visited);
	map->visited = NULL;
	map->base = NULL;
	map->fd = -1;
}

int map_check(const struct map *map, struct trc_error *err)
{
	struct stat st;

	if (fstat(map->fd, &st))
		return trc_fail_errno(err, "fstat");
	if ((uint64_t)st.st_size < map->size)
		return trc_fail(err, TRC_TRUNCATED, (uint64_t)st.st_size,
				"file shrank from %" PRIu64 " to %" PRIu64 " bytes while open",
				map->size, (uint64_t)st.st_size);
	return TRC_OK;
}

/* [offset, offset + size) cut to the mapping, its start rounded down to a memory page. */
static size_t clip(const struct map *map, uint64_t *offset, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end;

	if (*offset >= map->size)
		return 0;
	end = size < map->size - *offset ? *offset + size : map->size;
	*offset &= ~(page - 1);
	return (size_t)(end - *offset);
}

/*
 * A page fault brings in what is cached of the FAULT_AROUND bytes it falls into (the kernel's
 * default), so one byte of each is read. MADV_POPULATE_READ would look up every single page of them
 * once more, and take as long where all are there already.
 */
void map_populate(const struct map *map, uint64_t offset, uint64_t size)
{
	size_t length = clip(map, &offset, size);

	for (size_t at = 0; at < length; at += FAULT_AROUND)
		(void)*(const volatile uint8_t *)(map->base + offset + at);
}

void map_visited(const struct map *map, uint64_t size)
{
	size_t before = atomic_fetch_add_explicit(map->visited, (size_t)size, memory_order_relaxed);

	/* One thread finds that it is time. */
	if (before < MAP_VISITED_MAX && size >= MAP_VISITED_MAX - before) {
		map_drop(map, 0, map->size);
		atomic_store_explicit(map->visited, 0, memory_order_relaxed);
	}
}

void map_drop(const struct map *map, uint64_t offset, uint64_t size)
{
	size_t length = clip(map, &offset, size);

	if (length)
		madvise((void *)(uintptr_t)(map->base + offset), length, MADV_DONTNEED);
}

void map_expect_jumps(const struct map *map, bool jumps)
{
	if (map->base)
		madvise((void *)(uintptr_t)map->base, (size_t)map->size, jumps ? MADV_RANDOM : MADV_NORMAL);
}

void map_prefer_huge(void *memory, size_t size)
{
#if defined(MADV_HUGEPAGE)
	madvise(memory, size, MADV_HUGEPAGE);
#else
	(void)memory;
	(void)size;
#endif
}
