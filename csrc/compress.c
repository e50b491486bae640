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

static int unpack_zlib(const uint8_t *src, uint64_t src_size, uint8_t *dst, uint64_t *dst_size,
		       uint64_t *used, bool *ended)
{
	z_stream z = { 0 };
	uint64_t room = *dst_size;
	int rc = inflateInit(&z);

	if (rc != Z_OK)
		return rc == Z_MEM_ERROR ? TRC_NO_MEMORY : TRC_CORRUPT;
	z.next_in = (Bytef *)(uintptr_t)src;
	z.avail_in = (uInt)src_size;	/* callers stay below 4 GiB */
	z.next_out = dst;
	z.avail_out = (uInt)room;
	rc = inflate(&z, Z_FINISH);
	*dst_size = room - z.avail_out;
	*used = src_size - z.avail_in;
	*ended = rc == Z_STREAM_END;
	inflateEnd(&z);
	if (rc == Z_STREAM_END || rc == Z_BUF_ERROR || rc == Z_OK)
		return TRC_OK;
	return rc == Z_MEM_ERROR ? TRC_NO_MEMORY : TRC_CORRUPT;
}

static int unpack_zstd(const uint8_t *src, uint64_t src_size, uint8_t *dst, uint64_t *dst_size,
		       uint64_t *used, bool *ended)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = { src, (size_t)src_size, 0 };
	ZSTD_outBuffer out = { dst, (size_t)*dst_size, 0 };
	size_t rc = 1;

	if (!stream)
		return TRC_NO_MEMORY;
	while (rc && !ZSTD_isError(rc)) {
		size_t in_before = in.pos, out_before = out.pos;

		rc = ZSTD_decompressStream(stream, &out, &in);
		if (in.pos == in_before && out.pos == out_before)
			break;
	}
	ZSTD_freeDStream(stream);
	*dst_size = out.pos;
	*used = in.pos;
	*ended = rc == 0;
	return ZSTD_isError(rc) ? TRC_CORRUPT : TRC_OK;
}

/* One stream into at most *dst_size bytes; tells how far it came and whether it ended. */
static int unpack_some(enum compression algorithm, const uint8_t *src, uint64_t src_size,
		       uint8_t *dst, uint64_t *dst_size, uint64_t *used, bool *ended)
{
	if (src_size > UINT32_MAX || *dst_size > UINT32_MAX)
		return TRC_LIMIT;
	if (algorithm == COMPRESSION_ZLIB)
		return unpack_zlib(src, src_size, dst, dst_size, used, ended);
	return unpack_zstd(src, src_size, dst, dst_size, used, ended);
}

static int fail_stream(int code, uint64_t offset, struct trc_error *err)
{
	if (code == TRC_NO_MEMORY)
		return trc_fail_no_memory(err);
	if (code == TRC_LIMIT)
		return trc_fail(err, code, offset, "compressed block: over 4 GiB");
	return trc_fail(err, TRC_CORRUPT, offset, "compressed block: damaged data");
}

int unpack(enum compression algorithm, const uint8_t *src, uint64_t src_size, uint8_t *dst,
	   uint64_t dst_size, uint64_t offset, struct trc_error *err)
{
	uint64_t got = dst_size, used;
	bool ended;
	int rc;

	if (algorithm == COMPRESSION_ZSTD) {
		/* The one-shot call is faster: no window buffer between frame and dst. */
		size_t n = ZSTD_decompress(dst, (size_t)dst_size, src, (size_t)src_size);

		if (ZSTD_isError(n))
			return fail_stream(TRC_CORRUPT, offset, err);
		got = n;
		ended = true;
	} else {
		rc = unpack_some(algorithm, src, src_size, dst, &got, &used, &ended);
		if (rc)
			return fail_stream(rc, offset, err);
	}
	if (!ended || got != dst_size)
		return trc_fail(err, TRC_CORRUPT, offset,
				"compressed block: unpacks to %s%" PRIu64 " bytes, its header says %" PRIu64,
				ended ? "" : "other than ", got, dst_size);
	return TRC_OK;
}

int unpack_unsized(enum compression algorithm, const uint8_t *src, uint64_t src_size,
		   uint64_t limit, uint8_t **out, uint64_t *out_size, uint64_t *used,
		   uint64_t offset, struct trc_error *err)
{
	uint64_t room = src_size < limit / 8 ? src_size * 8 : limit;
	uint8_t *buffer = NULL;

	if (room < 4096)
		room = 4096;
	for (;;) {
		uint8_t *bigger = realloc(buffer, (size_t)room);
		bool ended = false;
		int rc;

		if (!bigger) {
			free(buffer);
			return trc_fail_no_memory(err);
		}
		buffer = bigger;
		*out_size = room;
		rc = unpack_some(algorithm, src, src_size, buffer, out_size, used, &ended);
		if (!rc && ended) {
			*out = buffer;
			return TRC_OK;
		}
		if (rc || *out_size < room || room >= limit) {
			bool over = !rc && *out_size == room;

			free(buffer);
			if (over)
				return trc_fail(err, TRC_LIMIT, offset,
						"compressed block: unpacks to more than %" PRIu64 " bytes", limit);
			return fail_stream(rc ? rc : TRC_CORRUPT, offset, err);
		}
		room = room > limit / 4 ? limit : room * 4;
	}
}
