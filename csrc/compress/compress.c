/* SPDX-License-Identifier: MIT */
#include "compress/compress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

int compression_from_name(const char *name, uint64_t offset, enum compression *out, struct trc_error *err)
{
	static const struct {
		const char *name;
		enum compression algorithm;
	} known[] = {
		{ "none", COMPRESSION_NONE },
		{ "zlib", COMPRESSION_ZLIB },
		{ "zstd", COMPRESSION_ZSTD },
	};

	for (size_t i = 0; i < countof(known); i++) {
		if (!strcmp(name, known[i].name)) {
			*out = known[i].algorithm;
			return TRC_OK;
		}
	}
	return trc_fail(err, TRC_UNSUPPORTED, offset,
			"file header: compression \"%.40s\" is not known (none, zlib, zstd are)", name);
}

bool unpacked_size_plausible(enum compression algorithm, uint64_t c, uint64_t u)
{
	/*
	 * deflate: 258 bytes from 2 bits at the very best, 1032:1. zstd: a block of 4 bytes
	 * gives at most 128 KiB.
	 */
	switch (algorithm) {
	case COMPRESSION_ZLIB:
		return u / 1040 <= c;
	case COMPRESSION_ZSTD:
		return u / (128 << 10) <= c;
	default:
		return u == c;
	}
}

/* --- the libraries ------------------------------------------------------------------------- */

/* How far one stream came, and whether it ended. */
struct progress {
	uint64_t used, made;
	bool ended;
};

static int zlib_begin(void **state, const uint8_t *src, uint64_t src_size)
{
	z_stream *z = *state;

	if (!z) {
		*state = z = calloc(1, sizeof(*z));
		if (!z || inflateInit(z) != Z_OK)
			return TRC_NO_MEMORY;
	}
	inflateReset(z);
	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = (uInt)src_size;
	return TRC_OK;
}

static int zlib_code(int rc)
{
	if (rc == Z_STREAM_END || rc == Z_BUF_ERROR || rc == Z_OK)
		return TRC_OK;
	return rc == Z_MEM_ERROR ? TRC_NO_MEMORY : TRC_CORRUPT;
}

static int run_zlib(void **state, const uint8_t *src, uint64_t src_size, uint8_t *dst, uint64_t dst_size,
		    struct progress *out)
{
	int rc = zlib_begin(state, src, src_size);
	z_stream *z = *state;

	if (rc)
		return rc;
	z->next_out = dst;
	z->avail_out = (uInt)dst_size;
	rc = inflate(z, Z_FINISH);
	*out = (struct progress){ src_size - z->avail_in, dst_size - z->avail_out, rc == Z_STREAM_END };
	return zlib_code(rc);
}

/* The one-shot call writes straight to dst: no window buffer in between. */
static int run_zstd_whole(void **state, const uint8_t *src, uint64_t src_size, uint8_t *dst,
			  uint64_t dst_size, struct progress *out)
{
	size_t made;

	if (!*state && !(*state = ZSTD_createDCtx()))
		return TRC_NO_MEMORY;
	made = ZSTD_decompressDCtx(*state, dst, (size_t)dst_size, src, (size_t)src_size);
	if (ZSTD_isError(made))
		return TRC_CORRUPT;
	*out = (struct progress){ src_size, made, true };
	return TRC_OK;
}

void unpacker_deinit(struct unpacker *unpacker)
{
	if (unpacker->algorithm == COMPRESSION_ZLIB && unpacker->state) {
		inflateEnd(unpacker->state);
		free(unpacker->state);
	} else if (unpacker->algorithm == COMPRESSION_ZSTD) {
		ZSTD_freeDCtx(unpacker->state);
	}
	unpacker->state = NULL;
}

/* --- what the core asks for ----------------------------------------------------------------- */

static int fail_stream(int code, uint64_t offset, struct trc_error *err)
{
	if (code == TRC_NO_MEMORY)
		return trc_fail_no_memory(err);
	if (code == TRC_LIMIT)
		return trc_fail(err, code, offset, "compressed block: over 4 GiB");
	return trc_fail(err, TRC_CORRUPT, offset, "compressed block: damaged data");
}

int unpack(struct unpacker *unpacker, const uint8_t *src, uint64_t src_size, uint8_t *dst, uint64_t dst_size,
	   uint64_t offset, struct trc_error *err)
{
	struct progress got = { 0 };
	int rc = TRC_LIMIT;

	if (src_size <= UINT32_MAX && dst_size <= UINT32_MAX)
		rc = unpacker->algorithm == COMPRESSION_ZSTD ?
			     run_zstd_whole(&unpacker->state, src, src_size, dst, dst_size, &got) :
			     run_zlib(&unpacker->state, src, src_size, dst, dst_size, &got);
	if (rc)
		return fail_stream(rc, offset, err);
	if (!got.ended || got.made != dst_size)
		return trc_fail(err, TRC_CORRUPT, offset,
				"compressed block: unpacks to %s%" PRIu64 " bytes, its header says %" PRIu64,
				got.ended ? "" : "more than ", got.made, dst_size);
	return TRC_OK;
}

/* --- extent ------------------------------------------------------------------------------------ */

#define PIECE_SIZE (128 << 10)

/*
 * Both: a stream that begins at src, through one piece of memory, until it ends, is damaged, or has made
 * more than limit.
 */
static int measure_zlib(void **state, const uint8_t *src, uint64_t src_size, uint8_t *piece, uint64_t limit,
			struct progress *out)
{
	int rc = zlib_begin(state, src, src_size);
	z_stream *z = *state;

	while (!rc && !out->ended && out->made <= limit) {
		int result;

		z->next_out = piece;
		z->avail_out = PIECE_SIZE;
		result = inflate(z, Z_NO_FLUSH);
		out->ended = result == Z_STREAM_END;
		out->made += PIECE_SIZE - z->avail_out;
		rc = result == Z_BUF_ERROR ? TRC_CORRUPT :
					     zlib_code(result); /* no way on: src is at its end */
	}
	if (z)
		out->used = src_size - z->avail_in;
	return rc;
}

static int measure_zstd(void **state, const uint8_t *src, uint64_t src_size, uint8_t *piece, uint64_t limit,
			struct progress *out)
{
	ZSTD_inBuffer in = { src, (size_t)src_size, 0 };

	if (!*state && !(*state = ZSTD_createDCtx()))
		return TRC_NO_MEMORY;
	ZSTD_DCtx_reset(*state, ZSTD_reset_session_only);
	while (!out->ended && out->made <= limit) {
		ZSTD_outBuffer room = { piece, PIECE_SIZE, 0 };
		size_t rc = ZSTD_decompressStream(*state, &room, &in);

		out->made += ZSTD_isError(rc) ? 0 : room.pos;
		if (ZSTD_isError(rc) || (rc && in.pos == in.size && room.pos < room.size))
			return TRC_CORRUPT;
		out->ended = rc == 0;
	}
	out->used = in.pos;
	return TRC_OK;
}

int unpacked_extent(struct unpacker *unpacker, const uint8_t *src, uint64_t src_size, uint64_t limit,
		    struct extent *out, uint64_t offset, struct trc_error *err)
{
	struct progress got = { 0 };
	uint8_t *piece = malloc(PIECE_SIZE);
	int rc = TRC_NO_MEMORY;

	if (src_size > UINT32_MAX)
		src_size = UINT32_MAX; /* whatever is after the stream, no block of a file takes more */
	if (piece)
		rc = unpacker->algorithm == COMPRESSION_ZSTD ?
			     measure_zstd(&unpacker->state, src, src_size, piece, limit, &got) :
			     measure_zlib(&unpacker->state, src, src_size, piece, limit, &got);
	free(piece);
	*out = (struct extent){ got.used, got.made };
	if (rc)
		return fail_stream(rc, offset, err);
	if (got.made > limit)
		return trc_fail(err, TRC_LIMIT, offset,
				"compressed block: unpacks to at least %" PRIu64 " bytes, %" PRIu64
				" is the limit",
				got.made, limit);
	return TRC_OK;
}
