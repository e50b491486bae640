/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the writer: of a whole trace.dat file a part is cut, written in a format that its last bytes choose,
 * read again, and has to be what reading that part gives. README.md says how to build and run it.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exact_mapping.h"
#include "tracecmd.h"

#define STREAMS_MAX 64
#define RECORDS 512
#define PAYLOAD (1 << 21)
#define WRITTEN_MAX (UINT64_C(256) << 20)

/* --- reading ----------------------------------------------------------------------------------- */

struct recording {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_data *data;
	size_t streams;
	struct trc_stream stream[STREAMS_MAX];
};

static bool open_recording(int fd, struct recording *out)
{
	*out = (struct recording){ 0 };
	if (trc_open_fd(fd, NULL, &out->file, NULL) ||
	    trc_metadata_create(out->file, &out->metadata, NULL) ||
	    trc_data_create(out->file, out->metadata, NULL, &out->data, NULL))
		return false;
	while (out->streams < STREAMS_MAX && !trc_stream(out->data, out->streams, &out->stream[out->streams], NULL))
		out->streams++;
	return true;
}

static void close_recording(struct recording *recording)
{
	trc_data_destroy(recording->data);
	trc_metadata_destroy(recording->metadata);
	trc_close(recording->file);
}

/* What a stream gives: records in their order, with their losses. */
struct sum {
	uint64_t records, hash;
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
		.payload = malloc(PAYLOAD),
	};
	require(batch.payload && batch.size, "there is memory to fuzz in");
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
}

static bool read_stream(const struct trc_walk_source *source, const struct trc_walk_options *options,
			struct sum *out)
{
	struct trc_walk *walk;
	int rc;

	*out = (struct sum){ 0 };
	if (trc_walk_create(source, 1, options, &walk, NULL))
		return false;
	while ((rc = trc_walk_next(walk, &batch, NULL)) == TRC_GO_ON || (!rc && batch.count)) {
		size_t at = 0;

		for (size_t i = 0; rc != TRC_GO_ON && i < batch.count; i++) {
			uint64_t hash = mix(mix(mix(out->hash, batch.ts[i]), batch.id[i]),
					    (uint64_t)batch.missed_events[i]);

			for (uint32_t k = 0; k < batch.size[i]; k++)
				hash = mix(hash, batch.payload[at++]);
			out->hash = hash;
			out->records++;
		}
	}
	trc_walk_destroy(walk);
	return !rc;
}

/* --- writing ----------------------------------------------------------------------------------- */

/* What is cut and how it is written: the input's last bytes say so. */
struct task {
	struct trc_write_format format;
	struct trc_walk_options options;
	bool choosy;
	uint64_t portion; /* records after which a cut ends and goes on; 0: it goes through at once */
	uint8_t ids[TRC_EVENT_ID_BYTES];
};

static void make_task(const uint8_t *bytes, size_t size, const struct recording *recording, struct task *out)
{
	uint8_t choice = size ? bytes[size - 1] : 0, part = size > 1 ? bytes[size - 2] : 0;
	uint64_t first = UINT64_MAX, last = 0;

	*out = (struct task){ .options = { .until_last = 1 } };
	out->format.version = choice & 1 ? 7 : 6;
	if (choice & 1)
		out->format.compression = (choice >> 1 & 3) % 3;
	out->choosy = choice & 8;
	out->portion = choice & 128 ? 1 + part % 40 : 0;
	memset(out->ids, choice & 16 ? 0x55 : 0xf0, sizeof(out->ids));
	for (size_t i = 0; choice & 32 && i < recording->streams; i++) {
		uint64_t ts;

		if (trc_stream_page_ts(recording->data, i, recording->stream[i].page_count - 1, &ts, NULL))
			continue;
		last = ts > last ? ts : last;
		if (!trc_stream_page_ts(recording->data, i, 0, &ts, NULL))
			first = ts < first ? ts : first;
	}
	if (first > last)
		return;
	out->options.start = first + (last - first) / 256 * (part & 15) * 8;
	out->options.end = last - (last - first) / 256 * (part >> 4);
	out->options.until_last = choice & 64;
}

static void take_pieces(struct trc_writer *writer, int fd)
{
	struct trc_piece piece;

	for (trc_writer_next_piece(writer, &piece); piece.size; trc_writer_next_piece(writer, &piece)) {
		require(piece.offset + piece.size < WRITTEN_MAX, "what is written is of the size of what is read");
		require(pwrite(fd, piece.data, piece.size, (off_t)piece.offset) == (ssize_t)piece.size,
			"a piece can be written");
	}
}

/* Which buffer of the outline one of the file is: those that cannot be read are left out of it. */
static size_t place_of(const struct trc_outline *outline, const struct recording *recording, uint32_t buffer)
{
	size_t place = 0;

	for (uint32_t i = 0;; i++) {
		struct trc_outline_buffer known;
		struct trc_buffer info;

		require(!trc_buffer(recording->file, i, &info, NULL), "a stream's buffer is there");
		if (trc_outline_buffer(outline, place, &known, NULL) || strlen(known.name) != info.name_size ||
		    memcmp(known.name, info.name, info.name_size)) {
			if (i == buffer)
				return SIZE_MAX;
			continue;
		}
		if (i == buffer)
			return place;
		place++;
	}
}

/* The next block, of as many portions as it takes. */
static int next_block(struct trc_cut *cut, struct trc_block *block, const struct task *task, uint64_t *before,
		      struct trc_error *err)
{
	int rc;

	while (!(rc = trc_cut_next(cut, block, err)) && !trc_block_size(block) && task->portion) {
		uint64_t records = trc_cut_records(cut);

		require(records - *before <= task->portion, "a portion is not too large");
		if (records - *before < task->portion)
			break;
		*before = records;
		trc_cut_limit(cut, task->portion);
	}
	return rc;
}

static bool write_stream(struct trc_writer *writer, struct trc_block *block, size_t place, uint32_t cpu,
			 const struct trc_walk_source *source, const struct task *task, int fd, uint64_t *records)
{
	struct trc_cut *cut;
	struct trc_error err;
	bool begun = false;
	uint64_t before = 0;
	int rc;

	*records = 0;
	if (!ok(trc_cut_create(source, &task->options, &cut, &err), &err))
		return false;
	if (task->portion)
		trc_cut_limit(cut, task->portion);
	while ((rc = next_block(cut, block, task, &before, &err)) == TRC_GO_ON || (!rc && trc_block_size(block))) {
		if (rc == TRC_GO_ON)
			continue;
		if ((!begun && !ok(trc_writer_begin(writer, place, cpu, &err), &err)) ||
		    !ok(trc_block_pack(block, &err), &err)) {
			rc = TRC_ARGUMENT;
			break;
		}
		begun = true;
		take_pieces(writer, fd);
		require(!trc_writer_put(writer, block, &err), "pages of a CPU that was begun can be put");
		take_pieces(writer, fd);
	}
	*records = trc_cut_records(cut);
	trc_cut_destroy(cut);
	return !rc;
}

/* --- both -------------------------------------------------------------------------------------- */

/* The stream of a buffer and CPU in what was written. */
static bool find_stream(const struct recording *written, const char *name, size_t name_size, uint32_t nth,
			uint32_t cpu, size_t *out)
{
	for (size_t i = 0; i < written->streams; i++) {
		struct trc_buffer info;
		uint32_t same = 0;

		require(!trc_buffer(written->file, written->stream[i].buffer, &info, NULL), "it has a buffer");
		for (uint32_t b = 0; b < written->stream[i].buffer; b++) {
			struct trc_buffer other;

			same += !trc_buffer(written->file, b, &other, NULL) && other.name_size == name_size &&
				!memcmp(other.name, name, name_size);
		}
		if (written->stream[i].cpu == cpu && same == nth && info.name_size == name_size &&
		    !memcmp(info.name, name, name_size)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static void compare(const struct recording *recording, const struct recording *written, const struct task *task,
		    const struct trc_walk_source *sources, const bool *was_written)
{
	struct trc_walk_options all = { .until_last = 1 };

	for (size_t i = 0; i < recording->streams; i++) {
		struct trc_walk_source source = { .data = written->data };
		struct sum before, after = { 0 };
		struct trc_buffer info;
		uint32_t nth = 0;

		if (!was_written[i] || !read_stream(&sources[i], &task->options, &before))
			continue;
		trc_buffer(recording->file, recording->stream[i].buffer, &info, NULL);
		for (uint32_t b = 0; b < recording->stream[i].buffer; b++) {
			struct trc_buffer other;

			nth += !trc_buffer(recording->file, b, &other, NULL) && other.name_size == info.name_size &&
			       !memcmp(other.name, info.name, info.name_size);
		}
		if (find_stream(written, info.name, info.name_size, nth, recording->stream[i].cpu, &source.stream))
			require(read_stream(&source, &all, &after), "what was written can be read");
		require(before.records == after.records && before.hash == after.hash,
			"what was written is what was read");
	}
}

static void write_and_compare(const uint8_t *bytes, size_t size, const struct recording *recording)
{
	struct trc_walk_source sources[STREAMS_MAX];
	bool was_written[STREAMS_MAX] = { 0 };
	int fd = memfd_create("written", MFD_CLOEXEC);
	struct trc_outline *outline = NULL;
	struct trc_writer *writer = NULL;
	struct trc_block *block = NULL;
	struct recording written;
	struct trc_error err;
	struct task task;
	bool whole;

	require(fd >= 0, "there is a place to write to");
	make_task(bytes, size, recording, &task);
	whole = ok(trc_outline_of_file(recording->file, &outline, &err), &err) &&
		ok(trc_block_create(outline, &task.format, &block, &err), &err) &&
		ok(trc_writer_create(outline, &task.format, &writer, &err), &err);
	if (whole)
		take_pieces(writer, fd);
	for (size_t i = 0; whole && i < recording->streams; i++) {
		size_t place = place_of(outline, recording, recording->stream[i].buffer);
		uint64_t records;

		sources[i] = (struct trc_walk_source){
			.data = recording->data, .stream = i, .event_ids = task.choosy ? task.ids : NULL,
		};
		if (place == SIZE_MAX)
			continue;
		whole = write_stream(writer, block, place, recording->stream[i].cpu, &sources[i], &task, fd,
				     &records);
		was_written[i] = whole;
	}
	if (whole && ok(trc_writer_end(writer, &err), &err)) {
		take_pieces(writer, fd);
		if (open_recording(fd, &written))
			compare(recording, &written, &task, sources, was_written);
		else
			require(!recording->streams, "what was written can be opened");
		close_recording(&written);
	}
	trc_writer_destroy(writer);
	trc_block_destroy(block);
	trc_outline_destroy(outline);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("case", MFD_CLOEXEC);
	struct recording recording;

	make_batch();
	require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "a case can be written");
	if (open_recording(fd, &recording))
		write_and_compare(bytes, size, &recording);
	close_recording(&recording);
	close(fd);
	return 0;
}

#include "main.h"
