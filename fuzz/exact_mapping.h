/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers that take whole files share.
 *
 * mmap(), munmap() and madvise() are replaced at link time (--wrap): the core is given a copy of
 * the file in allocated memory of exactly its size, so that AddressSanitizer sees a read that goes
 * one byte past the end, which the rest of a mapped page would hide.
 */
#ifndef FUZZ_EXACT_MAPPING_H
#define FUZZ_EXACT_MAPPING_H

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "tracecmd.h"

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t size);
int __wrap_madvise(void *address, size_t size, int advice);

static const uint8_t *mapping;	/* of the file that was opened last */

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	uint8_t *copy = malloc(size);

	(void)address, (void)protection, (void)flags;
	if (!copy || pread(fd, copy, size, offset) != (ssize_t)size) {
		free(copy);
		return MAP_FAILED;
	}
	mapping = copy;
	return copy;
}

/* What mmap() is called where off_t was made 64 bits wide. */
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	return __wrap_mmap(address, size, protection, flags, fd, offset);
}

int __wrap_munmap(void *address, size_t size)
{
	(void)size;
	if (mapping == address)
		mapping = NULL;
	free(address);
	return 0;
}

int __wrap_madvise(void *address, size_t size, int advice)
{
	(void)address, (void)size, (void)advice;
	return 0;
}

/* What the core's header promises. */
static inline void require(bool condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "broken promise: %s\n", what);
		abort();
	}
}

static volatile uint8_t touched;	/* so that no read is left out */

/* What is handed out can be read. */
static inline void touch(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum ^= p[i];
	touched = sum;
}

static inline void check_error(const struct trc_error *err)
{
	require(err->code != TRC_OK, "an error has a code");
	require(err->message[0] && memchr(err->message, '\0', sizeof(err->message)),
		"an error has a text, which ends in NUL");
}

/* Every function either succeeds or fills its error. */
static inline bool ok(int rc, const struct trc_error *err)
{
	if (!rc)
		return true;
	require(rc == err->code, "the code returned is the error's");
	check_error(err);
	return false;
}

#endif
