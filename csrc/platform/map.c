/* SPDX-License-Identifier: MIT */
#define _FILE_OFFSET_BITS 64
#include "platform/map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define FAULT_AROUND (64 << 10)

/* Takes fd over, whatever the outcome. */
static int map_fd(int fd, bool read, struct map *out, struct trc_error *err)
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
		rc = trc_fail_errno(err, "a trace file must be a regular file");
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
	if (map.size && !read) {
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

int map_open(const char *path, bool read, struct map *out, struct trc_error *err)
{
	/* O_NONBLOCK: a FIFO must fail at once, not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return trc_fail_errno(err, "open");
	return map_fd(fd, read, out, err);
}

int map_open_fd(int fd, bool read, struct map *out, struct trc_error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return trc_fail_errno(err, "dup");
	return map_fd(copy, read, out, err);
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

static int fail_shrunk(const struct map *map, uint64_t size, struct trc_error *err)
{
	return trc_fail(err, TRC_TRUNCATED, size,
			"file shrank from %" PRIu64 " to %" PRIu64 " bytes while open", map->size, size);
}

int map_check(const struct map *map, struct trc_error *err)
{
	struct stat st;

	if (fstat(map->fd, &st))
		return trc_fail_errno(err, "fstat");
	if ((uint64_t)st.st_size < map->size)
		return fail_shrunk(map, (uint64_t)st.st_size, err);
	return TRC_OK;
}

/* [offset, offset + size) cut to the mapping, its start rounded down to a memory page. */
static size_t clip(const struct map *map, uint64_t *offset, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end;

	if (!map->base || *offset >= map->size)
		return 0;
	end = size < map->size - *offset ? *offset + size : map->size;
	*offset &= ~(page - 1);
	return (size_t)(end - *offset);
}

/*
 * Has [offset, offset + size) of the mapping come in. A page fault brings in what is cached of the
 * FAULT_AROUND bytes it falls into (the kernel's default), so one byte of each is read.
 * MADV_POPULATE_READ would look up every single page of them once more, and take as long where all are
 * there already.
 */
static void populate(const struct map *map, uint64_t offset, uint64_t size)
{
	size_t length = clip(map, &offset, size);

	for (size_t at = 0; at < length; at += FAULT_AROUND)
		(void)*(const volatile uint8_t *)(map->base + offset + at);
}

void map_visited(const struct map *map, uint64_t size)
{
	size_t before;

	if (!map->base)
		return;
	before = atomic_fetch_add_explicit(map->visited, (size_t)size, memory_order_relaxed);

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

/* --- bytes ----------------------------------------------------------------------------------- */

int map_read(const struct map *map, uint64_t offset, size_t size, uint8_t *to, struct trc_error *err)
{
	while (size) {
		ssize_t got = pread(map->fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			char what[48];

			snprintf(what, sizeof(what), "pread at offset 0x%" PRIx64, offset);
			return trc_fail_errno(err, what);
		}
		if (!got) {
			int rc = map_check(map, err);

			return rc ? rc : fail_shrunk(map, offset, err);
		}
		to += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return TRC_OK;
}

/* What is asked for lay in the file when it was opened, and is not more than memory is taken for. */
static int check_range(const struct map *map, uint64_t offset, uint64_t size, struct trc_error *err)
{
	if (offset > map->size || size > map->size - offset)
		return trc_fail(err, TRC_TRUNCATED, map->size,
				"file: %" PRIu64 " bytes at 0x%" PRIx64 " are past its end", size, offset);
	if (!map->base && size > MAP_LOAD_MAX)
		return trc_fail(err, TRC_LIMIT, offset,
				"file: %" PRIu64 " bytes to be read at once, %" PRIu64
				" is the limit where it is not mapped",
				size, MAP_LOAD_MAX);
	return TRC_OK;
}

int map_load(const struct map *map, uint64_t offset, uint64_t size, const uint8_t **data, void **owned,
	     struct trc_error *err)
{
	uint8_t *bytes = NULL;
	int rc = check_range(map, offset, size, err);

	if (!rc)
		rc = map_check(map, err);
	if (rc)
		return rc;
	if (!map->base) {
		bytes = malloc(size ? (size_t)size : 1);
		if (!bytes)
			return trc_fail_no_memory(err);
		rc = map_read(map, offset, (size_t)size, bytes, err);
		if (rc) {
			free(bytes);
			return rc;
		}
	}
	*data = bytes ? bytes : map->base + offset;
	*owned = bytes;
	return TRC_OK;
}

static int window_reserve(struct map_window *window, size_t size, struct trc_error *err)
{
	if (size <= window->room)
		return TRC_OK;
	free(window->owned);
	window->owned = malloc(size);
	window->room = window->owned ? size : 0;
	return window->owned ? TRC_OK : trc_fail_no_memory(err);
}

/* What is asked for, and as much after or before it as makes up one step. */
static void widen(const struct map_window *window, uint64_t *offset, uint64_t *size)
{
	uint64_t low = window->low < *offset ? window->low : *offset, end = *offset + *size;
	uint64_t high = window->high ? window->high : window->map->size;

	if (*size >= window->step)
		return;
	high = high > end ? high : end;
	if (window->backwards)
		*offset = end - low > window->step ? end - window->step : low;
	else
		end = high - *offset > window->step ? *offset + window->step : high;
	*size = end - *offset;
}

int map_window_move(struct map_window *window, uint64_t offset, uint64_t size, struct trc_error *err)
{
	const struct map *map = window->map;
	int rc = check_range(map, offset, size, err);

	window->size = 0;
	if (!rc)
		rc = map_check(map, err);
	if (rc)
		return rc;
	widen(window, &offset, &size);
	if (map->base) {
		if (!window->keep_mapped)
			map_visited(map, size);
		populate(map, offset, size);
		window->at = map->base + offset;
	} else {
		if ((rc = window_reserve(window, (size_t)size, err)) ||
		    (rc = map_read(map, offset, (size_t)size, window->owned, err)))
			return rc;
		window->at = window->owned;
	}
	window->offset = offset;
	window->size = size;
	return TRC_OK;
}

void map_window_deinit(struct map_window *window)
{
	free(window->owned);
	window->owned = NULL;
	window->room = 0;
	window->size = 0;
}

/* --- hints ----------------------------------------------------------------------------------- */

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
