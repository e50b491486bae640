/* SPDX-License-Identifier: MIT */
/*
 * report_core FLAGS STRETCHES FILE...: what trc_report_next() writes of these files, as trace-cmd
 * report would. With more than one stretch the time is cut into so many, each written by a copy of
 * the report as threads would do, and joined.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracecmd.h"

#define MAX_FILES 16
#define MAX_SOURCES 4096
#define ENOUGH 65536

static struct trc_report_file files[MAX_FILES];
static struct trc_data *data[MAX_FILES];
static struct trc_walk_source walked[MAX_SOURCES];
static struct trc_report_source sources[MAX_SOURCES];
static size_t file_count, source_count;
static struct trc_error fault;

static void check(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "report_core: %s\n", fault.message);
	exit(1);
}

static void open_file(const char *path)
{
	static const struct trc_clock_options clock;
	const char *slash = strrchr(path, '/');
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_symbols *symbols;
	const char *label = slash ? slash + 1 : path;

	check(trc_open(path, NULL, &file, &fault));
	check(trc_metadata_create(file, &metadata, &fault));
	check(trc_symbols_create(file, &symbols, &fault));
	check(trc_data_create(file, metadata, &clock, &data[file_count], &fault));
	files[file_count++] = (struct trc_report_file){ file, metadata, symbols, label, strlen(label) };
}

/* The files' top buffers first, then all instances: the order in which trace-cmd merges. */
static void add_sources(int instances)
{
	for (size_t i = 0; i < file_count; i++) {
		for (size_t j = 0; j < trc_stream_count(data[i]); j++) {
			struct trc_stream stream;

			check(trc_stream(data[i], j, &stream, &fault));
			if ((stream.buffer != 0) != instances)
				continue;
			walked[source_count] = (struct trc_walk_source){ .data = data[i], .stream = j };
			sources[source_count++] =
				(struct trc_report_source){ (uint32_t)i, stream.buffer, stream.cpu };
		}
	}
}

struct text {
	char *bytes;
	size_t size;
};

static struct text write_stretch(struct trc_report *report, uint64_t start, uint64_t end, int last)
{
	struct trc_walk_options options = { .start = start, .end = end, .until_last = (uint32_t)last };
	struct text out = { NULL, 0 };
	struct trc_walk *walk;
	const char *text;
	size_t size;

	check(trc_walk_create(walked, source_count, &options, &walk, &fault));
	do {
		int rc;

		while ((rc = trc_report_next(report, walk, ENOUGH, &text, &size, &fault)) == TRC_GO_ON)
			continue;
		check(rc);
		out.bytes = realloc(out.bytes, out.size + size + 1);
		memcpy(out.bytes + out.size, text, size);
		out.size += size;
	} while (size);
	trc_walk_destroy(walk);
	return out;
}

static void put(struct text text)
{
	fwrite(text.bytes, 1, text.size, stdout);
	free(text.bytes);
}

/* First and last time stamp of all. */
static void find_ends(uint64_t *first, uint64_t *last)
{
	static uint64_t counts[TRC_COUNT_IDS];

	*first = UINT64_MAX;
	*last = 0;
	for (size_t i = 0; i < source_count; i++) {
		struct trc_stream stream;
		struct trc_count count;

		check(trc_stream(walked[i].data, walked[i].stream, &stream, &fault));
		check(trc_count(walked[i].data, walked[i].stream, 0, stream.page_count, counts, &count, &fault));
		if (!count.records)
			continue;
		*first = count.first_ts < *first ? count.first_ts : *first;
		*last = count.last_ts > *last ? count.last_ts : *last;
	}
}

static void write_stretches(struct trc_report *report, uint64_t stretches)
{
	struct trc_report **copies = calloc(stretches, sizeof(*copies));
	struct text *texts = calloc(stretches, sizeof(*texts));
	uint64_t first, last, in_one = 0;

	find_ends(&first, &last);
	for (uint64_t i = 0; i < stretches; i++)
		check(trc_report_copy(report, &copies[i], &fault));
	for (uint64_t i = stretches; i-- > 0;) {	/* in any order */
		uint64_t start = i ? first + (last - first) / stretches * i : 0;
		uint64_t end = first + (last - first) / stretches * (i + 1);

		texts[i] = write_stretch(copies[i], start, end, i + 1 == stretches);
	}
	for (uint64_t i = 0; i < stretches; i++) {
		uint64_t start = i ? first + (last - first) / stretches * i : 0;
		uint64_t end = first + (last - first) / stretches * (i + 1);
		uint32_t again = in_one ? TRC_REPORT_IN_ONE : TRC_REPORT_JOINED;

		if (!in_one)
			check(trc_report_join(report, copies[i], &again, &fault));
		if (again == TRC_REPORT_IN_ONE && !in_one) {
			fprintf(stderr, "in one from stretch %d on\n", (int)i);
			put(write_stretch(report, start, 0, 1));
			in_one = 1;
		} else if (again == TRC_REPORT_AGAIN) {
			fprintf(stderr, "stretch %d again\n", (int)i);
			put(write_stretch(report, start, end, i + 1 == stretches));
		} else if (!in_one) {
			put(texts[i]);
			texts[i].bytes = NULL;
		}
		free(texts[i].bytes);
		trc_report_destroy(copies[i]);
	}
	free(copies);
	free(texts);
}

int main(int argc, char **argv)
{
	struct trc_report *report;
	const char *text;
	size_t size;

	if (argc < 4 || argc > 3 + MAX_FILES)
		return 2;
	for (int i = 3; i < argc; i++)
		open_file(argv[i]);
	add_sources(0);
	add_sources(1);
	check(trc_report_create((uint32_t)atoi(argv[1]), files, file_count, sources, source_count, &report,
				&fault));
	check(trc_report_begin(report, &text, &size, &fault));
	fwrite(text, 1, size, stdout);
	if (atoi(argv[2]) > 1)
		write_stretches(report, (uint64_t)atoi(argv[2]));
	else
		put(write_stretch(report, 0, 0, 1));
	trc_report_destroy(report);
	return 0;
}
