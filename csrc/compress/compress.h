/* SPDX-License-Identifier: MIT */
/* zlib streams and zstd frames to plain bytes; the libraries do the work. FORMAT: trace-cmd.dat.v7(5), COMPRESSION. */
#ifndef TRC_COMPRESS_COMPRESS_H
#define TRC_COMPRESS_COMPRESS_H

#include "base/internal.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_ZLIB,
	COMPRESSION_ZSTD,
};

/* Name in the file's header to algorithm; TRC_UNSUPPORTED for a name not known. */
int compression_from_name(const char *name, uint64_t offset, enum compression *out, struct trc_error *err);

/* What the libraries want to keep from one block to the next; one a thread. */
struct unpacker {
	enum compression algorithm;
	void *state; /* made with the first block; owned */
};

static inline struct unpacker unpacker_of(enum compression algorithm)
{
	return (struct unpacker){ .algorithm = algorithm };
}
void unpacker_deinit(struct unpacker *unpacker);

/*
 * Unpacks one whole stream of src_size bytes to exactly dst_size bytes. Anything
 * else (shorter, longer, damaged) is TRC_CORRUPT at file offset offset.
 */
int unpack(struct unpacker *unpacker, const uint8_t *src, uint64_t src_size, uint8_t *dst, uint64_t dst_size,
	   uint64_t offset, struct trc_error *err);

/*
 * How far the stream goes that starts at src and ends by itself within src_size bytes, for files whose
 * writer left the lengths 0: it takes used bytes of src, and unpacks to plain ones. Its frames do not say
 * so (trace-cmd has zstd leave it out), so it is unpacked, piece by piece. Of a stream that turns out to
 * be damaged (TRC_CORRUPT) or larger than limit (TRC_LIMIT) these are what was done until then.
 */
struct extent {
	uint64_t used, plain;
};
int unpacked_extent(struct unpacker *unpacker, const uint8_t *src, uint64_t src_size, uint64_t limit,
		    struct extent *out, uint64_t offset, struct trc_error *err);

/* Can c bytes unpack to u bytes at all? Asked before u sizes an allocation. */
bool unpacked_size_plausible(enum compression algorithm, uint64_t c, uint64_t u);

#endif
