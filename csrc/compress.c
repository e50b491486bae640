/* SPDX-License-Identifier: MIT */
#include "compress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "error.h"

int compression_from_name(const char *name, uint64_t offset, enum compression *out,
			  struct trc_error *err)
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

/* --- the libraries, one stream a call ------------------------------------------------------ */

/* One stream into at most *dst_size bytes; tells how far it came and whether it ended. */
struct progress {
	uint64_t used, made;
	bool ended;
};

static int run_zlib(void **state, const uint8_t *src, uint64_t src_size, uint8_t *dst,
		    uint64_t dst_size, struct progress *out)
{
	z_stream *z = *state;
	int rc;

	if (!z) {
		*state = z = calloc(1, sizeof(*z));
		if (!z || inflateInit(z) != Z_OK)
			return TRC_NO_MEMORY;
	}
	inflateReset(z);
	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = (uInt)src_size;
	z->next_out = dst;
	z->avail_out = (uInt)dst_size;
	rc = inflate(z, Z_FINISH);
	*out = (struct progress){ src_size - z->avail_in, dst_size - z->avail_out, rc == Z_STREAM_END };
	if (rc == Z_STREAM_END || rc == Z_BUF_ERROR || rc == Z_OK)
		return TRC_OK;
	return rc == Z_MEM_ERROR ? TRC_NO_MEMORY : TRC_CORRUPT;
}

static int run_zstd(void **state, const uint8_t *src, uint64_t src_size, uint8_t *dst,
		    uint64_t dst_size, struct progress *out)
{
	ZSTD_inBuffer in = { src, (size_t)src_size, 0 };
	ZSTD_outBuffer room = { dst, (size_t)dst_size, 0 };
	size_t rc = 1;

	if (!*state && !(*state = ZSTD_createDCtx()))
		return TRC_NO_MEMORY;
	ZSTD_DCtx_reset(*state, ZSTD_reset_session_only);
	while (rc && !ZSTD_isError(rc)) {
		size_t in_before = in.pos, out_before = room.pos;

		rc = ZSTD_decompressStream(*state, &room, &in);
		if (in.pos == in_before && room.pos == out_before)
			break;
	}
	*out = (struct progress){ in.pos, room.pos, rc == 0 };
	return ZSTD_isError(rc) ? TRC_CORRUPT : TRC_OK;
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

int unpack(struct unpacker *unpacker, const uint8_t *src, uint64_t src_size, uint8_t *dst,
	   uint64_t dst_size, uint64_t offset, struct trc_error *err)
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

int unpack_unsized(enum compression algorithm, const uint8_t *src, uint64_t src_size,
		   uint64_t limit, uint8_t **out, uint64_t *out_size, uint64_t *used,
		   uint64_t offset, struct trc_error *err)
{
	struct unpacker unpacker = unpacker_of(algorithm);
	uint64_t room = src_size < limit / 8 ? src_size * 8 : limit;
	struct progress got = { 0 };
	uint8_t *buffer = NULL;
	int rc;

	if (room < 4096)
		room = 4096;
	for (;;) {
		uint8_t *bigger = realloc(buffer, (size_t)room);

		rc = !bigger ? TRC_NO_MEMORY : src_size > UINT32_MAX ? TRC_LIMIT : TRC_OK;
		if (bigger)
			buffer = bigger;
		if (!rc)
			rc = algorithm == COMPRESSION_ZSTD ?
				run_zstd(&unpacker.state, src, src_size, buffer, room, &got) :
				run_zlib(&unpacker.state, src, src_size, buffer, room, &got);
		if (rc || got.ended || got.made < room || room >= limit)
			break;
		room = room > limit / 4 ? limit : room * 4;
	}
	unpacker_deinit(&unpacker);
	if (!rc && got.ended) {
		*out = buffer;
		*out_size = got.made;
		*used = got.used;
		return TRC_OK;
	}
	free(buffer);
	if (!rc && got.made == room)
		return trc_fail(err, TRC_LIMIT, offset,
				"compressed block: unpacks to more than %" PRIu64 " bytes", limit);
	return fail_stream(rc ? rc : TRC_CORRUPT, offset, err);
}
