/* SPDX-License-Identifier: MIT */
/*
 * The trace data of a file: each CPU's sub-buffers, in the file or in compressed chunks.
 * trace-cmd.dat.v7(5), "buffer flyrecord" and COMPRESSION; of version 6 the CPU data.
 */
#ifndef TRC_RECORDS_DATA_H
#define TRC_RECORDS_DATA_H

#include "base/budget.h"
#include "base/problem.h"
#include "compress/compress.h"
#include "file/api.h"
#include "metadata/api.h"
#include "metadata/event_format.h"
#include "platform/map.h"
#include "records/api.h"
#include "records/clock.h"
#include "records/subbuffer.h"

/* A run of whole pages compressed as one block; writers put 10 pages into one. */
struct chunk {
	uint64_t offset; /* of the compressed bytes in the file */
	uint64_t first_page;
	uint32_t stored, plain; /* sizes in bytes */
};

struct stream {
	struct trc_stream info;
	const struct clock *clock; /* of its buffer */
	bool monotone;		   /* clock_is_monotone() */
	bool compressed;
	uint64_t offset, size; /* in the file, as stored; uncompressed, the last page may be cut */
	struct chunk *chunks;  /* compressed: sorted by first_page, no gaps */
	size_t chunk_count;
	uint32_t chunk_max;  /* unpacked size of the largest */
	uint32_t stored_max; /* stored size of the largest */
};

struct trc_data {
	const struct trc_file *file;
	const struct trc_metadata *metadata;
	struct subbuffer_layout layout;
	struct event_common common;
	struct clock *clocks; /* one a buffer */
	struct stream *streams;
	size_t stream_count, stream_room;
	struct problems problems;
};

#endif
