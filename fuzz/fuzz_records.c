/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the records: a whole trace.dat file is walked in all orders, filtered, and counted, and
 * the results have to agree. README.md says how to build and run it.
 *
 * The main program damages nothing but trace data (page headers, records, lengths, chunks), so that
 * every case gets that far. Records of the pages it left alone must all still come out.
 *
 * mmap() and its like are replaced at link time (--wrap) as exact_mapping.h says.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "exact_mapping.h"
#include "tracecmd.h"

#define STREAMS_MAX 64
#define RECORDS 512
#define PAYLOAD (1 << 21)
#define CASE_SECONDS_MAX 5
#define MEMORY_MAX_KIB (600 << 10)	/* with what the sanitizers need */

/* --- what came of a file ----------------------------------------------------------------------- */

/* Of the records of one page of the file, or of one stream where pages are compressed. */
struct sum {
	uint64_t records, hash;
};

struct outcome {
	bool opened, compressed;
	size_t streams;
	struct trc_stream stream[STREAMS_MAX];
	struct trc_cpu_area area[STREAMS_MAX];
	struct sum of_stream[STREAMS_MAX];
	struct sum *of_page;		/* by file offset / 4096, of where a payload begins */
	uint64_t records;
	uint64_t first_ts, last_ts;
};

static struct trc_batch batch;

static void make_batch(void)
{
	if (batch.room)
		return;
	batch = (struct trc_batch){
		.room = RECORDS,
		.payload_room = PAYLOAD,
		.ts = calloc(RECORDS, sizeof(*batch.ts)),
		.source = calloc(RECORDS, sizeof(*batch.source)),
		.id = calloc(RECORDS, sizeof(*batch.id)),
		.pid = calloc(RECORDS, sizeof(*batch.pid)),
		.missed_events = calloc(RECORDS, sizeof(*batch.missed_events)),
		.size = calloc(RECORDS, sizeof(*batch.size)),
		.payload_end = calloc(RECORDS, sizeof(*batch.payload_end)),
		.payload = malloc(PAYLOAD),
		.address = calloc(RECORDS, sizeof(*batch.address)),
	};
	require(batch.payload && batch.address, "there is memory to fuzz in");
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
}

static uint64_t hash_row(size_t i, uint64_t hash)
{
	const uint8_t *payload = batch.payload + batch.payload_end[i] - batch.size[i];

	require(!memcmp(payload, batch.address[i], batch.size[i]), "a payload is what its address holds");
	hash = mix(mix(mix(mix(hash, batch.ts[i]), batch.id[i]), (uint32_t)batch.pid[i]), batch.size[i]);
	for (uint32_t k = 0; k < batch.size[i]; k++)
		hash = mix(hash, payload[k]);
	return hash;
}

struct walked {
	uint64_t records;
	uint64_t sum;		/* of the records' hashes, in any order */
};

static struct walked walk(struct outcome *out, const struct trc_walk_source *sources, size_t count,
			  const struct trc_walk_options *options, bool sums)
{
	struct walked result = { 0 };
	struct trc_walk *w;
	struct trc_error err;
	uint64_t done, total;
	int64_t missed = 0;
	int rc = trc_walk_create(sources, count, options, &w, &err);

	if (rc) {
		require(rc == err.code, "the code returned is the error's");
		return result;
	}
	while ((rc = trc_walk_next(w, &batch, &err)) == TRC_GO_ON || (!rc && batch.count)) {
		for (size_t i = 0; i < batch.count; i++) {
			require(batch.source[i] < count, "a record is of one of the sources");
			require(batch.missed_events[i] >= -1, "losses are a number or unknown");
			require(options->until_last ||
				(batch.ts[i] >= options->start && batch.ts[i] < options->end),
				"a record is of the wanted time");
			result.sum += hash_row(i, batch.source[i]);
			if (sums) {
				struct sum *of = out->compressed ? &out->of_stream[batch.source[i]] :
					&out->of_page[(uint64_t)(batch.address[i] - mapping) / 4096];

				of->records++;
				of->hash = hash_row(i, of->hash);
			}
		}
		result.records += batch.count;
	}
	require(!rc || rc == err.code, "the code returned is the error's");
	for (size_t i = 0; i < count; i++)
		missed += trc_walk_missed(w, i) != 0;
	require(missed <= (int64_t)count, "a source has one loss at its end");
	for (size_t i = 0; i < trc_walk_problem_count(w); i++)
		require(!trc_walk_problem(w, i, &err) && err.code, "there are as many problems as said");
	trc_walk_progress(w, &done, &total);
	trc_walk_destroy(w);
	return result;
}

static void count(const struct trc_data *data, struct outcome *out)
{
	static uint64_t counts[TRC_COUNT_IDS];
	uint64_t records = 0, sum = 0;
	struct trc_error err;

	memset(counts, 0, sizeof(counts));
	out->first_ts = UINT64_MAX;
	for (size_t i = 0; i < out->streams; i++) {
		struct trc_count result;
		uint64_t half = out->stream[i].page_count / 2;

		for (int part = 0; part < 2; part++) {
			if (trc_count(data, i, part ? half : 0, part ? out->stream[i].page_count - half : half,
				      counts, &result, &err))
				continue;
			records += result.records;
			if (result.records && result.first_ts < out->first_ts)
				out->first_ts = result.first_ts;
			if (result.records && result.last_ts > out->last_ts)
				out->last_ts = result.last_ts;
		}
	}
	for (size_t i = 0; i < TRC_COUNT_IDS; i++)
		sum += counts[i];
	require(sum == records, "counts by event add up");
	require(records == out->records, "as many are counted as walked over");
}

static void use_records(const struct trc_data *data, struct outcome *out)
{
	struct trc_walk_source sources[STREAMS_MAX], wanted[STREAMS_MAX];
	struct trc_walk_options all = { .until_last = 1 }, some = { 0 };
	static const int32_t pids[] = { -1, 0, 5, 17 };
	static uint8_t ids[TRC_EVENT_ID_BYTES];
	struct walked by_cpu, result, part, rest;

	ids[900 >> 3] |= 1 << (900 & 7);
	for (size_t i = 0; i < out->streams; i++) {
		sources[i] = (struct trc_walk_source){ .data = data, .stream = i };
		wanted[i] = (struct trc_walk_source){
			.data = data, .stream = i, .event_ids = ids, .pids = pids, .pid_count = 4,
		};
	}
	all.flags = TRC_WALK_BY_CPU;
	by_cpu = walk(out, sources, out->streams, &all, true);
	out->records = by_cpu.records;
	for (uint32_t flags = 0; flags < 8; flags++) {
		all.flags = flags;
		result = walk(out, sources, out->streams, &all, false);
		require(result.records == by_cpu.records && result.sum == by_cpu.sum,
			"every order has the same records");
		if (flags < 2) {
			result = walk(out, wanted, out->streams, &all, false);
			require(result.records <= by_cpu.records, "a filter adds nothing");
		}
	}
	count(data, out);
	/* Windows of time: no promise of how many where time steps back, but never too many. */
	some.end = out->first_ts + (out->last_ts - out->first_ts) / 2;
	part = walk(out, sources, out->streams, &some, false);
	some = (struct trc_walk_options){ .start = some.end, .until_last = 1 };
	rest = walk(out, sources, out->streams, &some, false);
	require(part.records + rest.records <= by_cpu.records, "two windows do not overlap");
}

/* Where the streams lie in the file; 0s for those that were found by searching. */
static void find_areas(const struct trc_file *file, struct outcome *out)
{
	for (size_t i = 0; i < out->streams; i++) {
		struct trc_cpu_area area;
		struct trc_error err;

		for (size_t k = 0; !trc_cpu_area(file, out->stream[i].buffer, k, &area, &err); k++) {
			if (area.cpu == out->stream[i].cpu)
				out->area[i] = area;
		}
	}
}

static void use_file(const struct trc_file *file, struct outcome *out)
{
	struct trc_metadata *metadata;
	struct trc_header header;
	struct trc_data *data;
	struct trc_error err;

	trc_header(file, &header);
	out->compressed = strcmp(header.compression, "none") != 0;
	if (trc_metadata_create(file, &metadata, &err))
		return;
	if (!trc_data_create(file, metadata, NULL, &data, &err)) {
		out->opened = true;
		out->streams = trc_stream_count(data);
		if (out->streams > STREAMS_MAX)
			out->streams = STREAMS_MAX;
		for (size_t i = 0; i < out->streams; i++)
			require(!trc_stream(data, i, &out->stream[i], &err), "there are as many streams as said");
		find_areas(file, out);
		use_records(data, out);
		trc_data_destroy(data);
	}
	trc_metadata_destroy(metadata);
}

static void run(const uint8_t *bytes, size_t size, struct outcome *out)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct trc_file *file;
	struct trc_error err;

	make_batch();
	*out = (struct outcome){ .of_page = calloc(size / 4096 + 1, sizeof(*out->of_page)) };
	if (fd < 0 || !out->of_page || write(fd, bytes, size) != (ssize_t)size)
		abort();
	if (!trc_open_fd(fd, NULL, &file, &err)) {
		use_file(file, out);
		trc_close(file);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct outcome out;

	run(bytes, size, &out);
	free(out.of_page);
	return 0;
}

/* --- without libFuzzer: damage to the trace data of good files ------------------------------------- */

#ifdef FUZZ_MAIN

static uint64_t random_state;

/* xorshift64*, so that a seed means the same everywhere. */
static uint64_t random_number(uint64_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * UINT64_C(2685821657736338717) >> 8) % below;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A place in a stream's data: mostly in what is read first of a page or of the chunks. */
static uint64_t pick_place(const struct outcome *base, size_t *stream)
{
	const struct trc_cpu_area *area;
	uint64_t at, page_size;

	do {
		*stream = random_number(base->streams);
		area = &base->area[*stream];
	} while (area->size < 64);
	page_size = base->stream[*stream].page_size;
	if (base->compressed)
		return area->offset + (random_number(2) ? random_number(24) : random_number(area->size - 8));
	at = random_number(area->size / page_size) * page_size;
	switch (random_number(3)) {
	case 0:
		return area->offset + at + random_number(16);	/* time stamp, commit */
	case 1:
		return area->offset + at + 16 + 4 * random_number(12);	/* first records */
	default:
		return area->offset + at + random_number(page_size - 8);
	}
}

static void change(uint8_t *at)
{
	static const uint64_t values[] = {
		0, 1, 4, 0xff, 0x1d, 0x1e, 0x1f, 4096, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX,
		UINT64_C(0x1f000000), UINT64_C(0xe8000000), UINT64_C(0xf0000000), UINT64_C(0xf8000000),
	};

	switch (random_number(4)) {
	case 0:
		*at ^= (uint8_t)(1 << random_number(8));
		break;
	case 1:
		*at = (uint8_t)random_number(256);
		break;
	default:
		memcpy(at, &values[random_number(16)], (size_t)1 << random_number(4));
	}
}

/* A stream whose chunks make no sense any more is gone: the others are looked up by name. */
static const struct sum *sum_of(const struct outcome *got, const struct trc_stream *stream)
{
	for (size_t i = 0; i < got->streams; i++) {
		if (got->stream[i].buffer == stream->buffer && got->stream[i].cpu == stream->cpu)
			return &got->of_stream[i];
	}
	require(false, "a stream that is whole is there");
	return NULL;
}

/* Everything that no change touched has to be as before. */
static void check_untouched(const struct outcome *base, const struct outcome *got,
			    const uint8_t *before, const uint8_t *after)
{
	require(got->opened, "damaged pages leave the outline alone");
	for (size_t i = 0; i < base->streams; i++) {
		const struct trc_cpu_area *area = &base->area[i];
		uint64_t page_size = base->stream[i].page_size;

		if (base->compressed) {
			if (!memcmp(before + area->offset, after + area->offset, area->size))
				require(!memcmp(&base->of_stream[i], sum_of(got, &base->stream[i]), sizeof(struct sum)),
					"a stream that is whole gives all its records");
			continue;
		}
		for (uint64_t at = area->offset; at + page_size <= area->offset + area->size; at += page_size) {
			if (memcmp(before + at, after + at, page_size))
				continue;
			require(!memcmp(&base->of_page[at / 4096], &got->of_page[at / 4096],
					page_size / 4096 * sizeof(struct sum)),
				"a page that is whole gives all its records");
		}
	}
}

static void damage(const struct outcome *base, const uint8_t *bytes, uint8_t *copy, size_t size)
{
	uint64_t began = now_ms();
	struct outcome got;
	size_t stream;

	memcpy(copy, bytes, size);
	for (uint64_t n = 1 + random_number(6); n--;) {
		uint64_t at = pick_place(base, &stream);

		if (at + 8 <= base->area[stream].offset + base->area[stream].size)
			change(copy + at);
	}
	run(copy, size, &got);
	check_untouched(base, &got, bytes, copy);
	free(got.of_page);
	require(now_ms() - began < CASE_SECONDS_MAX * 1000, "a case takes no time");
}

/* fuzz_records FIRST LAST FILE...: each as it is, then damaged by the seeds FIRST to LAST - 1. */
int main(int argc, char **argv)
{
	unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long last = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct rusage usage;

	for (int i = 3; i < argc; i++) {
		struct outcome base;
		size_t size = 0;
		uint8_t *bytes = read_whole(argv[i], &size);
		uint8_t *copy = bytes ? malloc(size + 8) : NULL;

		if (!copy) {
			perror(argv[i]);
			return 1;
		}
		run(bytes, size, &base);
		for (unsigned long seed = first; base.records && seed < last; seed++) {
			fprintf(stderr, "\r%s %lu", argv[i], seed);
			random_state = seed * 2 + 1;
			for (int n = 0; n < 8; n++)
				random_number(2);
			damage(&base, bytes, copy, size);
		}
		printf("%s: %llu records, %lu cases\n", argv[i], (unsigned long long)base.records, last - first);
		free(base.of_page);
		free(copy);
		free(bytes);
	}
	getrusage(RUSAGE_SELF, &usage);
	require(usage.ru_maxrss < MEMORY_MAX_KIB, "memory is bounded");
	return 0;
}

#endif
