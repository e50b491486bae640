/* SPDX-License-Identifier: MIT */
/*
 * threads ROUNDS FILE...: several threads read one open file side by side, each in all ways; what
 * tracecmd.h says may be shared is. For ThreadSanitizer, which finds what they touch at once. Each
 * answer has to be the one of a thread that is alone. Then they use and close what life.h counts.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/life.h"
#include "tracecmd.h"

#define THREADS 4
#define MAX_SOURCES 64
#define BATCH 512
#define PAYLOAD (1 << 20)

/* Not the answer itself: a sum over its bytes. */
struct sum {
	uint64_t bytes, hash;
};

static void add(struct sum *sum, const void *data, uint64_t size)
{
	const uint8_t *bytes = data;

	for (uint64_t i = 0; i < size; i++)
		sum->hash = (sum->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	sum->bytes += size;
}

/* --- what is shared ------------------------------------------------------------------------- */

struct shared {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_symbols *symbols;
	struct trc_data *data;
	struct trc_filter *filter;
	struct trc_walk_source walked[MAX_SOURCES];
	struct trc_report_source sources[MAX_SOURCES];
	size_t source_count;
};

static void close_shared(struct shared *s)
{
	trc_filter_destroy(s->filter);
	trc_data_destroy(s->data);
	trc_symbols_destroy(s->symbols);
	trc_metadata_destroy(s->metadata);
	trc_close(s->file);
}

static int open_shared(struct shared *s, const char *path, struct trc_error *err)
{
	static const struct trc_clock_options clock;
	static const char filter[] = ".*:common_pid>3||common_type==2";
	int rc;

	memset(s, 0, sizeof(*s));
	if ((rc = trc_open(path, NULL, &s->file, err)) || (rc = trc_metadata_create(s->file, &s->metadata, err)) ||
	    (rc = trc_symbols_create(s->file, &s->symbols, err)) ||
	    (rc = trc_data_create(s->file, s->metadata, &clock, &s->data, err)) ||
	    (rc = trc_filter_create(s->metadata, s->symbols, filter, sizeof(filter) - 1, NULL, 0,
				    &s->filter, err)))
		return rc;
	for (size_t i = 0; i < trc_stream_count(s->data) && i < MAX_SOURCES; i++) {
		struct trc_stream stream;

		rc = trc_stream(s->data, i, &stream, err);
		if (rc)
			return rc;
		s->walked[i] = (struct trc_walk_source){ .data = s->data, .stream = i };
		s->sources[i] = (struct trc_report_source){ 0, stream.buffer, stream.cpu };
		s->source_count++;
	}
	return TRC_OK;
}

/* --- ways to read it ------------------------------------------------------------------------ */

static int read_metadata(const struct shared *s, struct sum *sum)
{
	struct trc_event_info event;
	struct trc_field_info field;
	struct trc_option option;
	const char *name;
	size_t size;
	int failed, rc;

	for (size_t i = 0; i < trc_option_count(s->file); i++) {
		rc = trc_option(s->file, i, &option, NULL);
		if (rc)
			return rc;
		add(sum, option.data, option.size);
	}
	for (size_t i = 0; i < trc_event_count(s->metadata); i++) {
		rc = trc_event(s->metadata, i, &event, NULL);
		if (!rc && event.field_count)
			rc = trc_event_field(s->metadata, i, event.field_count - 1, &field, NULL);
		if (!rc)
			rc = trc_event_check_print_fmt(s->metadata, i, 0, &failed, NULL);
		if (rc)
			return rc;
		add(sum, event.name, event.name_size);
		add(sum, &failed, sizeof(failed));
	}
	for (int32_t pid = 0; pid < 300; pid++) {
		trc_comm(s->metadata, pid, &name, &size);
		add(sum, name, size);
	}
	return trc_check(s->file, NULL);
}

static int read_counts(const struct shared *s, struct sum *sum)
{
	uint64_t *by_id = calloc(TRC_COUNT_IDS, sizeof(*by_id));
	struct trc_count count;
	int rc = by_id ? TRC_OK : TRC_NO_MEMORY;

	for (size_t i = 0; !rc && i < s->source_count; i++) {
		struct trc_stream stream;

		rc = trc_stream(s->data, i, &stream, NULL);
		if (!rc)
			rc = trc_count(s->data, i, 0, stream.page_count, by_id, &count, NULL);
		if (!rc)
			rc = trc_stream_release(s->data, i, 0, stream.page_count, NULL);
		if (!rc)
			add(sum, &count.records, sizeof(count.records));
	}
	if (!rc)
		add(sum, by_id, TRC_COUNT_IDS * sizeof(*by_id));
	free(by_id);
	return rc;
}

/* Room for a batch, and the batches of a walk. */
struct rows {
	uint64_t ts[BATCH], payload_end[BATCH];
	uint32_t source[BATCH], id[BATCH], size[BATCH];
	int32_t pid[BATCH];
	int64_t missed_events[BATCH];
	uint8_t payload[PAYLOAD];
};

static int read_rows(struct trc_walk *walk, struct rows *rows, struct sum *sum)
{
	struct trc_batch batch = {
		.room = BATCH, .payload_room = PAYLOAD, .ts = rows->ts, .source = rows->source, .id = rows->id,
		.pid = rows->pid, .missed_events = rows->missed_events, .size = rows->size,
		.payload_end = rows->payload_end, .payload = rows->payload,
	};
	int rc;

	while ((rc = trc_walk_next(walk, &batch, NULL)) == TRC_GO_ON || (!rc && batch.count)) {
		if (rc == TRC_GO_ON)
			continue;
		add(sum, rows->ts, batch.count * sizeof(*rows->ts));
		add(sum, rows->payload, batch.payload_size);
	}
	return rc;
}

static int read_walk(const struct shared *s, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	const struct trc_filter *filters[] = { s->filter };
	struct trc_walk_source sources[MAX_SOURCES];
	struct rows *rows = malloc(sizeof(*rows));
	struct trc_walk *walk = NULL;
	int rc = rows ? TRC_OK : TRC_NO_MEMORY;

	for (size_t i = 0; i < s->source_count; i++) {
		sources[i] = s->walked[i];
		sources[i].filters = filters;
		sources[i].filter_count = 1;
	}
	if (!rc)
		rc = trc_walk_create(sources, s->source_count, &options, &walk, NULL);
	if (!rc)
		rc = read_rows(walk, rows, sum);
	trc_walk_destroy(walk);
	free(rows);
	return rc;
}

static int read_columns(const struct shared *s, struct sum *sum)
{
	static const struct trc_column wanted[] = {
		{ .name = "ts", .kind = TRC_COLUMN_TS },
		{ .name = "comm", .kind = TRC_COLUMN_COMM },
		{ .name = "event", .kind = TRC_COLUMN_EVENT },
		{ .name = "pid", .field = "common_pid", .kind = TRC_COLUMN_FIELD },
	};
	const struct trc_columns_options options = {
		.walk = { .until_last = 1 },
		.column_count = sizeof(wanted) / sizeof(*wanted), .columns = wanted,
	};
	struct trc_columns_source sources[MAX_SOURCES] = { 0 };
	uint8_t all[TRC_EVENT_ID_BYTES];
	struct trc_columns *columns;
	struct ArrowArray batch;
	int64_t rows = 1;
	int rc;

	memset(all, 0xff, sizeof(all));
	for (size_t i = 0; i < s->source_count; i++) {
		sources[i].walk = s->walked[i];
		sources[i].walk.event_ids = all;
		sources[i].filter = s->filter;
	}
	rc = trc_columns_create(sources, s->source_count, &options, &columns, NULL);
	if (rc)
		return rc;
	while (!rc && rows) {
		rc = trc_columns_next(columns, 700, &batch, NULL);
		if (rc == TRC_GO_ON) {
			rc = TRC_OK;
			continue;
		}
		if (rc)
			break;
		rows = batch.length;
		if (rows)
			add(sum, batch.children[0]->buffers[1], (uint64_t)rows * 8);
		batch.release(&batch);
	}
	trc_columns_destroy(columns);
	return rc;
}

static int read_report(const struct shared *s, struct sum *sum)
{
	const struct trc_report_file file = { s->file, s->metadata, s->symbols, "file", 4 };
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_report *report;
	struct trc_walk *walk = NULL;
	const char *text;
	size_t size = 1;
	int rc = trc_report_create(0, &file, 1, s->sources, s->source_count, &report, NULL);

	if (rc)
		return rc;
	rc = trc_walk_create(s->walked, s->source_count, &options, &walk, NULL);
	while (!rc && size) {
		rc = trc_report_next(report, walk, 4096, &text, &size, NULL);
		if (!rc)
			add(sum, text, size);
		else if (rc == TRC_GO_ON)
			rc = TRC_OK;
	}
	trc_walk_destroy(walk);
	trc_report_destroy(report);
	return rc;
}

static int (*const ways[])(const struct shared *s, struct sum *sum) = {
	read_metadata, read_counts, read_walk, read_columns, read_report,
};
#define WAYS (sizeof(ways) / sizeof(*ways))

/* --- side by side --------------------------------------------------------------------------- */

struct reader {
	pthread_t thread;
	const struct shared *shared;
	const struct sum *expected;	/* by way */
	size_t first, rounds, wrong;
};

/* Each thread begins with another way, so that all pairs of them meet. */
static void *read_all(void *of)
{
	struct reader *reader = of;

	for (size_t i = 0; i < reader->rounds * WAYS; i++) {
		size_t way = (reader->first + i) % WAYS;
		struct sum sum = { 0 };
		int rc = ways[way](reader->shared, &sum);

		reader->wrong += rc || memcmp(&sum, &reader->expected[way], sizeof(sum));
	}
	return NULL;
}

static size_t run_readers(const struct shared *shared, size_t rounds, const struct sum *expected)
{
	struct reader readers[THREADS];
	size_t wrong = 0;

	for (size_t i = 0; i < THREADS; i++) {
		readers[i] = (struct reader){ 0, shared, expected, i, rounds, 0 };
		if (pthread_create(&readers[i].thread, NULL, read_all, &readers[i]))
			abort();
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(readers[i].thread, NULL);
		wrong += readers[i].wrong;
	}
	return wrong;
}

static size_t read_file(const char *path, size_t rounds)
{
	struct sum expected[WAYS] = { 0 };
	struct trc_error err = { 0 };
	struct shared shared;
	size_t wrong = 0;

	if (open_shared(&shared, path, &err)) {
		fprintf(stderr, "threads: %s: %s\n", path, err.message);
		close_shared(&shared);
		return 1;
	}
	for (size_t way = 0; way < WAYS; way++)
		wrong += ways[way](&shared, &expected[way]) || !expected[way].bytes;
	wrong += run_readers(&shared, rounds, expected);
	printf("%s: %zu threads, %zu rounds, %zu answers wrong\n", path, (size_t)THREADS, rounds, wrong);
	close_shared(&shared);
	return wrong;
}

/* --- life.h --------------------------------------------------------------------------------- */

/* Destroyed means written: ThreadSanitizer sees whoever still reads then. */
struct mortal {
	atomic_size_t waiting;	/* so many threads have not begun: they begin together */
	struct life life;
	size_t destroyed;	/* plain, on purpose */
};

static void destroy(struct mortal *mortal)
{
	mortal->destroyed++;
}

static void *use_and_close(void *of)
{
	struct mortal *mortal = of;

	atomic_fetch_sub(&mortal->waiting, 1);
	while (atomic_load(&mortal->waiting))
		sched_yield();
	for (int i = 0; i < 400 && life_enter(&mortal->life); i++) {
		size_t dead = mortal->destroyed;

		if (dead)
			abort();
		if (i == 300 && life_close(&mortal->life))
			abort();	/* we are inside */
		if (life_leave(&mortal->life))
			destroy(mortal);
	}
	if (life_close(&mortal->life))
		destroy(mortal);
	return NULL;
}

static size_t run_lives(size_t rounds)
{
	size_t wrong = 0;

	for (size_t round = 0; round < rounds; round++) {
		struct mortal mortal = { .waiting = THREADS };
		pthread_t threads[THREADS];

		for (size_t i = 0; i < THREADS; i++)
			if (pthread_create(&threads[i], NULL, use_and_close, &mortal))
				abort();
		for (size_t i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		wrong += mortal.destroyed != 1 || life_enter(&mortal.life) ||
			 !life_is_closed(&mortal.life);
	}
	printf("life.h: %zu rounds, %zu wrong\n", rounds, wrong);
	return wrong;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	size_t wrong = 0;

	if (argc < 3 || !rounds)
		return 2;
	for (int i = 2; i < argc; i++)
		wrong += read_file(argv[i], rounds);
	wrong += run_lives(300 * rounds);
	return wrong != 0;
}
