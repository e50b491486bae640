/* SPDX-License-Identifier: MIT */
/* Pages of a stream, where they lie in the file or in a chunk that was unpacked. */
#ifndef TRC_RECORDS_PAGE_H
#define TRC_RECORDS_PAGE_H

#include "records/data.h"

/* What is at hand of a stream: of the file, and the unpacked bytes of one chunk. One a reader. */
struct page_cache {
	struct map_window window; /* pages, or stored chunks */
	struct unpacker unpacker;
	const struct stream *stream; /* of the chunk; NULL: there is none */
	size_t chunk;
	uint8_t *bytes;
	size_t room;
	struct account *account; /* of a search, which unpacks whole chunks for a time each; else NULL */
};

/*
 * step: so many bytes of the stream are brought in at once, or a page or chunk; backwards: by someone who
 * goes that way.
 */
struct page_cache page_cache_of(const struct trc_data *data, const struct stream *stream, uint64_t step,
				bool backwards);
void page_cache_deinit(struct page_cache *cache);

/* Are a page's bytes good only until the next one is asked for? Those that are mapped stay. */
bool stream_pages_pass(const struct trc_data *data, const struct stream *stream);

/* How much memory of its own a page cache of that step takes at most. */
uint64_t stream_cache_size(const struct trc_data *data, const struct stream *stream, uint64_t step);

/* Index of the chunk that holds a page of a compressed stream. */
size_t stream_find_chunk(const struct stream *stream, uint64_t page);

struct page {
	const uint8_t *bytes;
	uint32_t available; /* less than the page's size only where the file was cut */
	uint64_t offset;    /* in the file, of it or of its chunk, for messages */
};

/* A page of the cache's stream, index < page_count; bytes are good until the cache's next use. */
int stream_page(const struct stream *stream, uint64_t index, struct page_cache *cache, struct page *out,
		struct trc_error *err);

/* Why a page cannot be had: is it that its chunk is damaged, so that the rest can be read all the same? */
bool page_fault_is_recoverable(int code);

#endif
