/* SPDX-License-Identifier: MIT */
/* From the tables of a file to its streams: where the pages of each CPU are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "file/api.h"
#include "file/file.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "records/api.h"
#include "records/area.h"
#include "records/data.h"
#include "records/page_search.h"
#include "records/salvage.h"

#define CHUNKS_FIRST 64
#define UNSIZED_FIRST (UINT64_C(64) << 10) /* chunks of 10 pages are smaller */

/* --- making the streams -------------------------------------------------------------------- */

/* What is needed while the streams are made. */
struct making {
	struct trc_data *data;
	struct account account;
	struct unpacker unpacker; /* for chunks that do not say how large they are */
};

static void note(struct trc_data *data, int code, uint64_t offset, const struct stream *stream,
		 const char *what)
{
	struct trc_error fault;

	trc_fail(&fault, code, offset, "data of CPU %u: %s", stream->info.cpu, what);
	problems_add(&data->problems, &fault);
}

/* A fault in the outline of the data: a problem, or the end of it all. */
static int bear(struct making *making, const struct trc_error *fault, struct trc_error *err)
{
	if (!making->account.exceeded && problem_is_recoverable(fault->code)) {
		problems_add(&making->data->problems, fault);
		return TRC_OK;
	}
	if (err)
		*err = *fault;
	return fault->code;
}

static void use_pages(struct trc_data *data, struct stream *stream)
{
	uint32_t page_size = stream->info.page_size;

	stream->info.page_count = stream->size / page_size;
	if (stream->size % page_size) {
		/* libtracecmd takes it for a whole page; what records are whole come out here. */
		stream->info.page_count++;
		note(data, TRC_TRUNCATED, stream->offset + stream->size, stream,
		     "its last page is cut short");
	}
}

static int add_chunk(struct making *making, struct stream *stream, size_t *room, const struct chunk *chunk,
		     struct trc_error *err)
{
	if (stream->chunk_count == *room) {
		struct chunk *larger;
		int rc = account_memory(&making->account, (*room ? *room : CHUNKS_FIRST) * sizeof(*larger),
					chunk->offset, "trace data", err);

		if (rc)
			return rc;
		larger = array_grow(stream->chunks, room, CHUNKS_FIRST, sizeof(*larger));
		if (!larger)
			return trc_fail_no_memory(err);
		stream->chunks = larger;
	}
	stream->chunks[stream->chunk_count++] = *chunk;
	if (chunk->plain > stream->chunk_max)
		stream->chunk_max = chunk->plain;
	if (chunk->stored > stream->stored_max)
		stream->stored_max = chunk->stored;
	stream->info.page_count = chunk->first_page + chunk->plain / stream->info.page_size;
	return TRC_OK;
}

/*
 * Sizes of a chunk that says neither: to be found in what it holds, of which as much is looked at as
 * that takes.
 */
static int measure_chunk(struct making *making, const struct cursor *c, struct chunk *chunk,
			 struct trc_error *err)
{
	const struct budget *budget = &making->account.budget;
	uint64_t most = cursor_left(c), size = most;
	struct extent extent = { 0 };
	const uint8_t *bytes;
	int rc, spent;

	if (!making->data->file->image.map.base) {
		most = most < MAP_LOAD_MAX ? most : MAP_LOAD_MAX;
		size = most < UNSIZED_FIRST ? most : UNSIZED_FIRST;
	}
	for (;;) {
		if ((rc = cursor_bytes(c, size, &bytes, err)))
			return rc;
		rc = unpacked_extent(&making->unpacker, bytes, size, budget_block(budget), &extent,
				     chunk->offset - 8, err);
		if (rc != TRC_CORRUPT || size == most)
			break;
		size = size < most / 4 ? size * 4 : most;
	}
	spent = account_unpacked(&making->account, extent.used, extent.plain, chunk->offset - 8,
				 "trace data: chunks of unknown size", err);
	if (spent || rc)
		return spent ? spent : rc;
	chunk->stored = (uint32_t)extent.used;
	chunk->plain = (uint32_t)extent.plain;
	return TRC_OK;
}

/*
 * A chunk at the cursor: u32 stored size, u32 unpacked size, the block. In files of trace-cmd
 * 3.3.1 from 64-bit big-endian machines both sizes are 0, the block ends by itself.
 */
static int read_chunk(struct making *making, struct cursor *c, const struct stream *stream, struct chunk *out,
		      struct trc_error *err)
{
	const struct trc_file *file = making->data->file;
	struct chunk chunk = { .first_page = stream->info.page_count };
	struct cursor block;
	int rc;

	if ((rc = cursor_u32(c, &chunk.stored, err)) || (rc = cursor_u32(c, &chunk.plain, err)))
		return rc;
	chunk.offset = c->pos;
	if (!chunk.stored && !chunk.plain && (rc = measure_chunk(making, c, &chunk, err)))
		return rc;
	if ((rc = cursor_slice(c, chunk.stored, "chunk", &block, err)))
		return rc;
	if (!chunk.plain || chunk.plain % stream->info.page_size)
		return trc_fail(err, TRC_CORRUPT, chunk.offset - 4,
				"chunk: %u bytes unpacked are not whole pages of %u", chunk.plain,
				stream->info.page_size);
	if (chunk.plain > budget_block(&file->image.budget))
		return trc_fail(err, TRC_LIMIT, chunk.offset - 4,
				"chunk: unpacks to %u bytes, a quarter of the budget of %" PRIu64
				" bytes of memory is the limit",
				chunk.plain, file->image.budget.memory);
	if (!unpacked_size_plausible(file->image.compression, chunk.stored, chunk.plain))
		return trc_fail(err, TRC_CORRUPT, chunk.offset - 4, "chunk: %u bytes cannot unpack to %u",
				chunk.stored, chunk.plain);
	*out = chunk;
	return TRC_OK;
}

/*
 * u32 number of chunks, then the chunks. The area's stored size is not consulted: trace-cmd
 * before 3.2 wrote it too small; the section's end bounds it.
 */
static int find_chunks(struct making *making, struct stream *stream, struct cursor c, uint64_t end,
		       struct trc_error *err)
{
	uint64_t stored_end = stream->offset + stream->size;
	struct trc_error fault;
	uint32_t count = 0;
	bool open_ended;
	size_t room = 0;
	int rc;

	stream->compressed = true;
	if (end < c.end)
		c.end = end;
	if ((rc = cursor_skip(&c, stream->offset, &fault)) || (rc = cursor_u32(&c, &count, &fault)))
		return bear(making, &fault, err);
	/* That trace-cmd also left the count 0, and so does every one that is stopped too early. */
	open_ended = !count && stream->size > 4;
	if (open_ended && stored_end < c.end)
		c.end = stored_end;
	for (uint32_t i = 0; open_ended ? cursor_left(&c) > 8 : i < count; i++) {
		struct chunk chunk;

		if (read_chunk(making, &c, stream, &chunk, &fault))
			return bear(making, &fault, err);
		if ((rc = add_chunk(making, stream, &room, &chunk, err)))
			return rc;
		/* The kernel may bring in much more than the header that was looked at: huge pages. */
		map_visited(&making->data->file->image.map, chunk.stored);
	}
	return TRC_OK;
}

static int use_chunks(struct making *making, struct stream *stream, uint64_t end, struct trc_error *err)
{
	const struct trc_file *file = making->data->file;
	struct map_window window = image_window(&file->image);
	int rc = find_chunks(making, stream, image_cursor(&file->image, &window, "chunks"), end, err);

	map_window_deinit(&window);
	return rc;
}

static int add_stream(struct trc_data *data, const struct stream *stream, struct trc_error *err)
{
	if (data->stream_count == data->stream_room) {
		struct stream *larger = array_grow(data->streams, &data->stream_room, 16, sizeof(*larger));

		if (!larger)
			return trc_fail_no_memory(err);
		data->streams = larger;
	}
	data->streams[data->stream_count++] = *stream;
	return TRC_OK;
}

static int add_area(struct making *making, const struct area *area, bool salvaged, struct trc_error *err)
{
	struct trc_data *data = making->data;
	const struct buffer *from = &data->file->buffers.list[area->buffer];
	struct stream stream = {
		.info = { .buffer = area->buffer,
			  .cpu = area->cpu,
			  .page_size = from->info.page_size,
			  .salvaged = salvaged },
		.clock = &data->clocks[area->buffer],
		.monotone = clock_is_monotone(&data->clocks[area->buffer], area->cpu),
		.offset = area->offset,
		.size = area->size,
	};
	/* A salvaged area has no section to tell; its file's compression does. */
	uint64_t end = salvaged ? area->offset + area->size : from->section.offset + from->section.size;
	int rc = TRC_OK;

	if (from->info.page_size < data->layout.data_offset) {
		note(data, TRC_CORRUPT, area->offset, &stream, "its pages are smaller than their header");
		return TRC_OK;
	}
	if (salvaged ? data->file->image.compression != COMPRESSION_NONE : from->info.compressed)
		rc = use_chunks(making, &stream, end < area->next ? end : area->next, err);
	else
		use_pages(data, &stream);
	if (!rc && stream.info.page_count) {
		rc = add_stream(data, &stream, err);
		if (!rc)
			return TRC_OK;
	}
	free(stream.chunks);
	return rc;
}

static int add_salvaged(void *context, const struct trc_cpu_area *area, struct trc_error *err)
{
	struct area salvaged = { 0, area->cpu, area->offset, area->size, UINT64_MAX };

	return add_area(context, &salvaged, true, err);
}

static int compare_streams(const void *a, const void *b)
{
	const struct stream *x = a, *y = b;

	if (x->info.buffer != y->info.buffer)
		return x->info.buffer < y->info.buffer ? -1 : 1;
	return x->info.cpu < y->info.cpu ? -1 : x->info.cpu > y->info.cpu;
}

static int make_streams(struct making *making, struct trc_error *err)
{
	struct trc_data *data = making->data;
	struct areas areas;
	int rc = areas_collect(data->file, &areas, &data->problems, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < areas.count; i++)
		rc = add_area(making, &areas.list[i], false, err);
	if (!rc)
		rc = salvage_areas(data->file, &data->layout, &areas, &data->problems, add_salvaged, making,
				   err);
	areas_deinit(&areas);
	if (!rc && data->stream_count)
		qsort(data->streams, data->stream_count, sizeof(*data->streams), compare_streams);
	return rc;
}

/*
 * Times below zero wrap to huge ones, so an offset below zero can make time fall within a stream:
 * that it does not is certain where the first page is after the offset. Where finding that out takes
 * too much, it stays uncertain.
 */
static int check_wrap(struct making *making, struct stream *stream, struct trc_error *err)
{
	uint64_t offset = stream->clock->offset, ts;
	struct trc_error fault;
	int rc;

	if (!stream->monotone || offset <= INT64_MAX)
		return TRC_OK;
	rc = stream_page_ts(making->data, stream, 0, &making->account, &ts, &fault);
	if (rc == TRC_NO_MEMORY || rc == TRC_SYSTEM) {
		if (err)
			*err = fault;
		return rc;
	}
	stream->monotone = !rc && ts - offset >= 0 - offset;
	return TRC_OK;
}

int trc_data_create(const struct trc_file *file, const struct trc_metadata *metadata,
		    const struct trc_clock_options *options, struct trc_data **out, struct trc_error *err)
{
	struct trc_data *data = calloc(1, sizeof(*data));
	struct page_header header;
	struct making making;
	int rc;

	if (!data)
		return trc_fail_no_memory(err);
	data->file = file;
	data->metadata = metadata;
	data->common = metadata->formats.common;
	data->clocks = calloc(file->buffers.count, sizeof(*data->clocks));
	if (!data->clocks)
		rc = trc_fail_no_memory(err);
	else if (!(rc = map_check(&file->image.map, err)))
		rc = metadata_page_header(metadata, &header, err);
	if (rc == TRC_NOT_FOUND) /* what is data without it is not to be found out */
		rc = trc_fail(err, TRC_TRUNCATED, file->image.body,
			      "header_page: missing, no record can be read");
	if (!rc) {
		data->layout = (struct subbuffer_layout){
			.commit_offset = header.commit_offset,
			.commit_size = header.commit_size,
			.data_offset = header.data_offset,
			.big_endian = file->image.header.big_endian,
		};
		for (size_t b = 0; b < file->buffers.count; b++)
			data->clocks[b] = clock_make(file, b, options);
		making = (struct making){ data, account_of(&file->image.budget),
					  unpacker_of(file->image.compression) };
		rc = make_streams(&making, err);
		unpacker_deinit(&making.unpacker);
		for (size_t i = 0; !rc && i < data->stream_count; i++)
			rc = check_wrap(&making, &data->streams[i], err);
	}
	if (rc) {
		trc_data_destroy(data);
		return rc;
	}
	*out = data;
	return TRC_OK;
}

void trc_data_destroy(struct trc_data *data)
{
	if (!data)
		return;
	for (size_t i = 0; i < data->stream_count; i++)
		free(data->streams[i].chunks);
	free(data->streams);
	free(data->clocks);
	problems_deinit(&data->problems);
	free(data);
}

/* --- public ------------------------------------------------------------------------------ */

size_t trc_data_problem_count(const struct trc_data *data)
{
	return problems_count(&data->problems);
}

int trc_data_problem(const struct trc_data *data, size_t index, struct trc_error *problem)
{
	return problems_get(&data->problems, index, problem);
}

size_t trc_stream_count(const struct trc_data *data)
{
	return data->stream_count;
}

int trc_stream(const struct trc_data *data, size_t index, struct trc_stream *out, struct trc_error *err)
{
	if (index >= data->stream_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "trace data: %zu streams, not %zu",
				data->stream_count, index + 1);
	*out = data->streams[index].info;
	return TRC_OK;
}
