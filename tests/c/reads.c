/* SPDX-License-Identifier: MIT */
/*
 * reads FILE: what the core makes of a file whose reads fail, or that becomes shorter, at each of its
 * looks at it in turn. Prints how many reads there were.
 * reads FILE sizes: how often the core asks for the size of a mapped file in one call that looks through
 * all its pages, and how many bytes of them there are.
 *
 * pread() and fstat() are replaced at link time (--wrap); WALK_STINT is to be so large that one call goes
 * through all records.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracecmd.h"

/* --- what the system does --------------------------------------------------------------------- */

enum fault { FAULT_NONE, FAULT_ENDED, FAULT_BROKEN, FAULT_BROKEN_ONCE, FAULT_SHORT, FAULT_INTERRUPTED, FAULT_SHRUNK };

static enum fault fault;
static size_t first;	/* fault: from this look on */
static size_t reads, sizes;

ssize_t __real_pread64(int fd, void *to, size_t size, off64_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t size, off64_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset);
int __real_fstat64(int fd, struct stat64 *st);
int __wrap_fstat64(int fd, struct stat64 *st);
int __wrap_fstat(int fd, struct stat *st);

ssize_t __wrap_pread64(int fd, void *to, size_t size, off64_t offset)
{
	reads++;
	if (fault == FAULT_ENDED && reads >= first)
		return 0;
	if ((fault == FAULT_BROKEN && reads >= first) || (fault == FAULT_BROKEN_ONCE && reads == first)) {
		errno = EIO;
		return -1;
	}
	if (fault == FAULT_INTERRUPTED && reads & 1) {
		errno = EINTR;
		return -1;
	}
	return __real_pread64(fd, to, fault == FAULT_SHORT ? (size + 1) / 2 : size, offset);
}

/* What pread() and fstat() are called where off_t has 64 bits anyway. */
ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset)
{
	return __wrap_pread64(fd, to, size, offset);
}

int __wrap_fstat64(int fd, struct stat64 *st)
{
	int rc = __real_fstat64(fd, st);

	sizes++;
	if (fault == FAULT_SHRUNK && sizes >= first)
		st->st_size -= 1;
	return rc;
}

int __wrap_fstat(int fd, struct stat *st)
{
	return __wrap_fstat64(fd, (struct stat64 *)st);
}

/* --- what is read ----------------------------------------------------------------------------- */

struct outcome {
	int rc;
	size_t problems;
	uint64_t sum, records;
	size_t ready_reads, ready_sizes;	/* looks before the first record was asked for; 0: never came there */
};

static struct outcome got;

static void require(bool holds, const char *what, size_t number)
{
	if (holds)
		return;
	fprintf(stderr, "rc %d, %zu problems, %llu records; ", got.rc, got.problems,
		(unsigned long long)got.records);
	fprintf(stderr, "not so: %s (fault %d, look %zu of %zu)\n", what, fault, first, number);
	exit(1);
}

static void add(struct outcome *out, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out->sum = (out->sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
}

static int walk(const struct trc_data *data, const int32_t *pids, size_t pid_count, struct outcome *out)
{
	static uint64_t ts[512], ends[512];
	static uint32_t source[512], id[512];
	static int32_t pid[512];
	static uint8_t payload[1 << 17];
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_batch batch = {
		.room = 512, .payload_room = sizeof(payload), .ts = ts, .source = source, .id = id,
		.pid = pid, .payload_end = ends, .payload = payload,
	};
	size_t count = trc_stream_count(data);
	struct trc_walk_source *sources = calloc(count + 1, sizeof(*sources));
	struct trc_walk *made;
	int rc;

	for (size_t i = 0; i < count; i++)
		sources[i] = (struct trc_walk_source){ .data = data, .stream = i, .pids = pids,
						       .pid_count = pid_count };
	rc = trc_walk_create(sources, count, &options, &made, NULL);
	free(sources);
	if (rc)
		return rc;
	do {
		rc = trc_walk_next(made, &batch, NULL);
		if (rc)
			break;
		out->records += batch.count;
		add(out, ts, batch.count * sizeof(*ts));
		add(out, id, batch.count * sizeof(*id));
		add(out, payload, batch.payload_size);
	} while (batch.count);
	out->problems += trc_walk_problem_count(made);
	trc_walk_destroy(made);
	return rc;
}

static int count_all(const struct trc_data *data, struct outcome *out)
{
	static uint64_t counts[TRC_COUNT_IDS];
	int rc = TRC_OK;

	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; !rc && i < trc_stream_count(data); i++) {
		struct trc_stream stream;
		struct trc_count result;

		trc_stream(data, i, &stream, NULL);
		rc = trc_count(data, i, 0, stream.page_count, counts, &result, NULL);
		out->problems += rc ? 0 : result.damaged_pages;
	}
	if (!rc)
		add(out, counts, sizeof(counts));
	return rc;
}

static struct outcome read_all(const char *path, uint32_t flags)
{
	const struct trc_open_options options = { .flags = flags };
	struct trc_metadata *metadata = NULL;
	struct trc_symbols *symbols = NULL;
	struct trc_data *data = NULL;
	struct trc_file *file = NULL;
	struct outcome out = { 0 };

	reads = sizes = 0;
	if (!(out.rc = trc_open(path, &options, &file, NULL)) &&
	    !(out.rc = trc_metadata_create(file, &metadata, NULL)) &&
	    !(out.rc = trc_symbols_create(file, &symbols, NULL)) &&
	    !(out.rc = trc_data_create(file, metadata, NULL, &data, NULL))) {
		out.ready_reads = reads;
		out.ready_sizes = sizes;
		out.problems += trc_problem_count(file) + trc_metadata_problem_count(metadata) +
				trc_symbols_problem_count(symbols) + trc_data_problem_count(data);
		add(&out, &(size_t){ trc_event_count(metadata) }, sizeof(size_t));
		add(&out, &(size_t){ trc_symbol_count(symbols) }, sizeof(size_t));
		if (!(out.rc = walk(data, NULL, 0, &out)))
			out.rc = count_all(data, &out);
	}
	trc_data_destroy(data);
	trc_symbols_destroy(symbols);
	trc_metadata_destroy(metadata);
	trc_close(file);
	return out;
}

/* --- the faults ------------------------------------------------------------------------------- */

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->rc == b->rc && a->sum == b->sum && a->records == b->records && a->problems == b->problems;
}

/* From look number first on, for each first of count: an error, or at least a problem that is new. */
static void fail_each(const char *path, uint32_t flags, enum fault kind, int code, size_t count,
		      const struct outcome *good)
{
	/* The very first time it is asked for, the file's size is what it is. */
	for (first = kind == FAULT_SHRUNK ? 2 : 1; first <= count; first++) {
		fault = kind;
		got = read_all(path, flags);
		require(got.rc == code || (!got.rc && code == TRC_TRUNCATED && got.problems > good->problems) ||
			(got.rc && !got.ready_reads && !got.ready_sizes),
			"it is an error, or a problem", count);
		if (first > (kind == FAULT_SHRUNK ? good->ready_sizes : good->ready_reads))
			require(got.rc == code, "records that cannot be had are an error", count);
	}
}

/* Mapped: one call that finds nothing goes through all pages. How often does it ask for the size? */
static void print_sizes(const char *path)
{
	const int32_t nobody = 12345678;
	struct trc_metadata *metadata;
	struct outcome out = { 0 };
	struct trc_data *data;
	struct trc_file *file;
	uint64_t bytes = 0;

	require(!trc_open(path, NULL, &file, NULL) && !trc_metadata_create(file, &metadata, NULL) &&
		!trc_data_create(file, metadata, NULL, &data, NULL), "it opens", 0);
	for (size_t i = 0; i < trc_stream_count(data); i++) {
		struct trc_stream stream;

		trc_stream(data, i, &stream, NULL);
		bytes += stream.page_count * stream.page_size;
	}
	sizes = 0;
	require(!walk(data, &nobody, 1, &out) && !out.records, "nobody has no records", 0);
	printf("sizes: %zu\nbytes: %llu\n", sizes, (unsigned long long)bytes);
	trc_data_destroy(data);
	trc_metadata_destroy(metadata);
	trc_close(file);
}

int main(int argc, char **argv)
{
	struct outcome mapped, good;
	size_t read_count, size_count;

	if (argc == 3 && !strcmp(argv[2], "sizes")) {
		print_sizes(argv[1]);
		return 0;
	}
	if (argc != 2)
		return 2;
	mapped = read_all(argv[1], 0);
	size_count = sizes;
	require(!mapped.rc && !reads, "a mapping is not read", 0);
	good = read_all(argv[1], TRC_OPEN_READ);
	read_count = reads;
	require(same(&mapped, &good), "reading gives what a mapping does", 0);
	for (fault = FAULT_SHORT; fault <= FAULT_INTERRUPTED; fault++) {
		got = read_all(argv[1], TRC_OPEN_READ);
		require(same(&good, &got), "reads in pieces give the same", 0);
	}
	fail_each(argv[1], TRC_OPEN_READ, FAULT_ENDED, TRC_TRUNCATED, read_count, &good);
	fail_each(argv[1], TRC_OPEN_READ, FAULT_BROKEN, TRC_SYSTEM, read_count, &good);
	fail_each(argv[1], TRC_OPEN_READ, FAULT_BROKEN_ONCE, TRC_SYSTEM, read_count, &good);
	fail_each(argv[1], 0, FAULT_SHRUNK, TRC_TRUNCATED, size_count, &mapped);
	fault = FAULT_NONE;
	printf("reads: %zu\n", read_count);
	return 0;
}
