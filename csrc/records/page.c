/* SPDX-License-Identifier: MIT */
#include "records/page.h"

#include <stdlib.h>

#include "base/error.h"
#include "file/file.h"
#include "records/api.h"

struct page_cache page_cache_of(const struct trc_data *data, const struct stream *stream, uint64_t step,
				bool backwards)
{
	return (struct page_cache){
		.unpacker = unpacker_of(data->file->image.compression),
		.window = { .map = &data->file->image.map,
			    .step = step,
			    .low = stream->offset,
			    .high = stream->offset + stream->size,
			    .backwards = backwards },
	};
}

void page_cache_deinit(struct page_cache *cache)
{
	map_window_deinit(&cache->window);
	unpacker_deinit(&cache->unpacker);
	free(cache->bytes);
}

bool stream_pages_pass(const struct trc_data *data, const struct stream *stream)
{
	return stream->compressed || !data->file->image.map.base;
}

uint64_t stream_cache_size(const struct trc_data *data, const struct stream *stream, uint64_t step)
{
	uint64_t at_once = stream->compressed ? stream->stored_max : stream->info.page_size;

	if (data->file->image.map.base)
		return stream->chunk_max;
	return stream->chunk_max + (at_once > step ? at_once : step < stream->size ? step : stream->size);
}

bool page_fault_is_recoverable(int code)
{
	return problem_is_recoverable(code) && code != TRC_TRUNCATED;
}

size_t stream_find_chunk(const struct stream *stream, uint64_t page)
{
	size_t low = 0, high = stream->chunk_count; /* chunks[low].first_page <= page */

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (stream->chunks[middle].first_page <= page)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool in_chunk(const struct stream *stream, size_t index, uint64_t page)
{
	const struct chunk *chunk = &stream->chunks[index];

	return page >= chunk->first_page && page - chunk->first_page < chunk->plain / stream->info.page_size;
}

static int cache_chunk(const struct stream *stream, uint64_t page, struct page_cache *cache,
		       struct trc_error *err)
{
	const struct chunk *chunk;
	const uint8_t *stored;
	size_t index;
	int rc;

	if (cache->stream == stream && in_chunk(stream, cache->chunk, page))
		return TRC_OK;
	/* Mostly the next one is asked for. */
	index = cache->stream == stream ? cache->chunk + 1 : stream->chunk_count;
	if (index >= stream->chunk_count || !in_chunk(stream, index, page))
		index = stream_find_chunk(stream, page);
	chunk = &stream->chunks[index];
	cache->stream = NULL;
	if (cache->account && (rc = account_unpacked(cache->account, chunk->stored, chunk->plain,
						     chunk->offset - 8, "search by time", err)))
		return rc;
	if (cache->room < chunk->plain) {
		free(cache->bytes);
		cache->bytes = malloc(chunk->plain);
		cache->room = cache->bytes ? chunk->plain : 0;
		if (!cache->bytes)
			return trc_fail_no_memory(err);
	}
	if ((rc = map_window_get(&cache->window, chunk->offset, chunk->stored, &stored, err)) ||
	    (rc = unpack(&cache->unpacker, stored, chunk->stored, cache->bytes, chunk->plain,
			 chunk->offset - 8, err)))
		return rc;
	cache->stream = stream;
	cache->chunk = index;
	return TRC_OK;
}

int stream_page(const struct stream *stream, uint64_t index, struct page_cache *cache, struct page *out,
		struct trc_error *err)
{
	uint32_t page_size = stream->info.page_size;
	uint64_t at = index * page_size;

	if (stream->compressed) {
		int rc = cache_chunk(stream, index, cache, err);

		if (rc)
			return rc;
		const struct chunk *chunk = &stream->chunks[cache->chunk];

		*out = (struct page){ cache->bytes + (index - chunk->first_page) * page_size, page_size,
				      chunk->offset - 8 };
		return TRC_OK;
	}
	*out = (struct page){
		.available = stream->size - at < page_size ? (uint32_t)(stream->size - at) : page_size,
		.offset = stream->offset + at,
	};
	return map_window_get(&cache->window, out->offset, out->available, &out->bytes, err);
}

int trc_stream_find_offset(const struct trc_data *data, uint64_t offset, size_t *stream, uint64_t *page,
			   struct trc_error *err)
{
	for (size_t i = 0; i < data->stream_count; i++) {
		const struct stream *s = &data->streams[i];

		if (s->compressed || offset < s->offset || offset - s->offset >= s->size)
			continue;
		if ((offset - s->offset) / s->info.page_size >= s->info.page_count)
			continue;
		*stream = i;
		*page = (offset - s->offset) / s->info.page_size;
		return TRC_OK;
	}
	return trc_fail(err, TRC_NOT_FOUND, offset, "no page with records");
}
