/* SPDX-License-Identifier: MIT */
/*
 * What the C programs of the benchmarks share: a clock, memory in use, a digest, and the lines
 * that _harness.py reads, "KEY VALUE" each:
 *   ns N		one round took N nanoseconds
 *   cpu_ns N		and so many of all processors' time
 *   base_kib N		peak resident memory before the first round
 *   peak_kib N		the same after the last one
 *   anon_kib N		resident memory not backed by a file, after the last round
 *   check TEXT		the result: programs that answer one question must print the same
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of all threads. Where others use the machine as well, this says more than the clock on the wall. */
static inline uint64_t cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void print_cpu(uint64_t start, uint64_t end)
{
	printf("cpu_ns %" PRIu64 "\n", end - start);
}

static inline void print_round(uint64_t start, uint64_t end)
{
	printf("ns %" PRIu64 "\n", end - start);
}

/*
 * Of /proc/self/status, not of getrusage(): what that says of a process starts at the peak of
 * the process that started it.
 */
static inline void print_memory(const char *key, const char *field)
{
	FILE *status = fopen("/proc/self/status", "r");
	size_t size = strlen(field);
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, field, size) && line[size] == ':')
			printf("%s %ld\n", key, strtol(line + size + 1, NULL, 10));
	if (status)
		fclose(status);
}

static inline void print_memory_before(void)
{
	print_memory("base_kib", "VmHWM");
}

static inline void print_memory_after(void)
{
	print_memory("peak_kib", "VmHWM");
	print_memory("anon_kib", "RssAnon");
}

/* A digest of numbers and texts in their order: FNV-1a, over whole numbers instead of bytes. */
#define DIGEST_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t digest(uint64_t so_far, uint64_t value)
{
	return (so_far ^ value) * UINT64_C(0x100000001b3);
}

static inline uint64_t digest_text(uint64_t so_far, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		so_far = digest(so_far, (unsigned char)text[i]);
	return digest(so_far, size);
}

static inline _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

#endif
