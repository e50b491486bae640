/* SPDX-License-Identifier: MIT */
/*
 * columns FILE ROUNDS mapped|fresh|read: the C core reads every sched_switch of the top buffer in time order into Arrow
 * arrays: time stamp, CPU and all fields of the event. All batches are kept until the round's end. The
 * check is that of peer/fields.c.
 *   mapped	the file stays open and its pages mapped, and the memory that batches were given back in
 *		stays with the program; a round before the first one made both
 *   fresh	the file is opened anew for each round, which is not part of the time, so that every page
 *		of it and of the arrays is touched for the first time
 *   read	the same without a mapping: TRC_OPEN_READ
 */
#include <malloc.h>
#include <stdbool.h>

#include "tracecmd.h"

#include "../measure.h"

#define STREAMS_MAX 1024
#define BATCHES_MAX 65536
#define BATCH_ROWS 65536

static const struct trc_column columns[] = {
	{ "ts", NULL, TRC_COLUMN_TS },
	{ "cpu", NULL, TRC_COLUMN_CPU },
	{ "prev_pid", "prev_pid", TRC_COLUMN_FIELD },
	{ "prev_prio", "prev_prio", TRC_COLUMN_FIELD },
	{ "prev_state", "prev_state", TRC_COLUMN_FIELD },
	{ "next_pid", "next_pid", TRC_COLUMN_FIELD },
	{ "next_prio", "next_prio", TRC_COLUMN_FIELD },
	{ "prev_comm", "prev_comm", TRC_COLUMN_FIELD },
	{ "next_comm", "next_comm", TRC_COLUMN_FIELD },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define FIRST_TEXT 7

struct recording {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_data *data;
	struct trc_columns_source sources[STREAMS_MAX];
	size_t count;
	uint8_t ids[TRC_EVENT_ID_BYTES];
};

static struct ArrowArray batches[BATCHES_MAX];

static void open_recording(const char *path, bool read, struct recording *recording)
{
	const struct trc_open_options options = { .flags = read ? TRC_OPEN_READ : 0 };
	struct trc_event_info event;
	struct trc_stream stream;
	struct trc_error err;
	size_t index;

	memset(recording, 0, sizeof(*recording));
	if (trc_open(path, &options, &recording->file, &err) ||
	    trc_metadata_create(recording->file, &recording->metadata, &err) ||
	    trc_data_create(recording->file, recording->metadata, NULL, &recording->data, &err) ||
	    trc_event_find(recording->metadata, "sched", 5, "sched_switch", 12, &index, &err) ||
	    trc_event(recording->metadata, index, &event, &err))
		fail(path, err.message);
	recording->ids[event.id / 8] = (uint8_t)(1 << event.id % 8);
	while (recording->count < STREAMS_MAX &&
	       !trc_stream(recording->data, recording->count, &stream, &err) && !stream.buffer) {
		recording->sources[recording->count].walk = (struct trc_walk_source){
			.data = recording->data, .stream = recording->count,
			.event_ids = recording->ids,
		};
		recording->count++;
	}
}

static void close_recording(struct recording *recording)
{
	trc_data_destroy(recording->data);
	trc_metadata_destroy(recording->metadata);
	trc_close(recording->file);
}

static size_t read_all(struct recording *recording, bool mapped)
{
	struct trc_columns_options options = {
		.walk = { .flags = mapped ? TRC_WALK_KEEP_MAPPED : 0, .until_last = 1 },
		.columns = columns, .column_count = COLUMNS,
	};
	struct trc_columns *reader;
	struct trc_error err;
	size_t count = 0;

	if (trc_columns_create(recording->sources, recording->count, &options, &reader, &err))
		fail("trc_columns_create", err.message);
	do {
		int rc;

		if (count == BATCHES_MAX)
			fail("batches", "too many");
		while ((rc = trc_columns_next(reader, BATCH_ROWS, &batches[count], &err)) == TRC_GO_ON)
			continue;
		if (rc)
			fail("trc_columns_next", err.message);
	} while (batches[count++].length);
	trc_columns_destroy(reader);
	return count;
}

static uint64_t digest_number(uint64_t sum, const struct ArrowArray *column, int64_t row, size_t width)
{
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)column->buffers[1] + width * (size_t)row, width);
	return digest(sum, value);
}

static uint64_t digest_comm(uint64_t sum, const struct ArrowArray *column, int64_t row)
{
	const int32_t *ends = column->dictionary->buffers[1];
	int32_t index = ((const int32_t *)column->buffers[1])[row];

	return digest_text(sum, (const char *)column->dictionary->buffers[2] + ends[index],
			   (size_t)(ends[index + 1] - ends[index]));
}

static void print_check(const struct recording *recording, size_t count)
{
	struct trc_page_layout layout;
	uint64_t sum = DIGEST_START;
	size_t rows = 0, long_size;

	trc_page_layout(recording->metadata, &layout, NULL);
	long_size = layout.commit_size;
	for (size_t b = 0; b < count; b++) {
		struct ArrowArray *const *column = batches[b].children;

		rows += (size_t)batches[b].length;
		for (int64_t row = 0; row < batches[b].length; row++) {
			sum = digest_number(sum, column[0], row, 8);
			for (size_t c = 1; c < FIRST_TEXT; c++)
				sum = digest_number(sum, column[c], row, c == 4 ? long_size : 4);
			for (size_t c = FIRST_TEXT; c < COLUMNS; c++)
				sum = digest_comm(sum, column[c], row);
		}
	}
	printf("check %zu events, %" PRIx64 "\n", rows, sum);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail(argv[0], "FILE ROUNDS mapped|fresh|read");
	bool mapped = !strcmp(argv[3], "mapped");
	long rounds = strtol(argv[2], NULL, 10), first = mapped ? -1 : 0;
	struct recording recording;

	if (mapped) {
		mallopt(M_MMAP_THRESHOLD, 1 << 30);
		mallopt(M_TRIM_THRESHOLD, INT32_MAX);
	}

	print_memory_before();
	for (long i = first; i < rounds; i++) {
		if (i == first || !mapped)
			open_recording(argv[1], !strcmp(argv[3], "read"), &recording);
		uint64_t cpu_start = cpu_now_ns(), start = now_ns();
		size_t count = read_all(&recording, mapped);

		if (i >= 0) {
			print_round(start, now_ns());
			print_cpu(cpu_start, cpu_now_ns());
		}
		if (i == rounds - 1) {
			print_memory_after();
			print_check(&recording, count);
		}
		for (size_t b = 0; b < count; b++)
			batches[b].release(&batches[b]);
		if (!mapped || i == rounds - 1)
			close_recording(&recording);
	}
	return 0;
}
