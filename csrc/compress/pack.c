/* SPDX-License-Identifier: MIT */
#include "compress/pack.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

int packer_init(struct packer *packer, enum compression algorithm, int level, struct trc_error *err)
{
	int lowest = 0, highest = 0;

	if (algorithm == COMPRESSION_ZLIB) {
		lowest = 1;
		highest = 9;
	} else if (algorithm == COMPRESSION_ZSTD) {
		lowest = ZSTD_minCLevel();
		highest = ZSTD_maxCLevel();
	}
	if (level && (level < lowest || level > highest))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"compression: %s has no level %d (%d to %d are)", compression_name(algorithm),
				level, lowest, highest);
	*packer = (struct packer){ .algorithm = algorithm, .level = level };
	return TRC_OK;
}

void packer_deinit(struct packer *packer)
{
	if (packer->algorithm == COMPRESSION_ZLIB && packer->state) {
		deflateEnd(packer->state);
		free(packer->state);
	} else if (packer->algorithm == COMPRESSION_ZSTD) {
		ZSTD_freeCCtx(packer->state);
	}
	packer->state = NULL;
}

size_t packed_bound(enum compression algorithm, size_t size)
{
	switch (algorithm) {
	case COMPRESSION_ZLIB:
		return compressBound((uLong)size);
	case COMPRESSION_ZSTD:
		return ZSTD_compressBound(size);
	default:
		return size;
	}
}

static int pack_zlib(struct packer *packer, const uint8_t *src, size_t size, uint8_t *dst, size_t *stored)
{
	z_stream *z = packer->state;

	if (!z) {
		if (!(z = calloc(1, sizeof(*z))))
			return TRC_NO_MEMORY;
		if (deflateInit(z, packer->level ? packer->level : Z_DEFAULT_COMPRESSION) != Z_OK) {
			free(z);
			return TRC_NO_MEMORY;
		}
		packer->state = z;
	}
	deflateReset(z);
	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = (uInt)size;
	z->next_out = dst;
	z->avail_out = (uInt)packed_bound(COMPRESSION_ZLIB, size);
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return TRC_NO_MEMORY;
	*stored = z->total_out;
	return TRC_OK;
}

/* Frames do not say what they unpack to: trace-cmd.dat.v7(5) has that before them, and trace-cmd leaves it out. */
static int pack_zstd(struct packer *packer, const uint8_t *src, size_t size, uint8_t *dst, size_t *stored)
{
	size_t made;

	if (!packer->state) {
		ZSTD_CCtx *state = ZSTD_createCCtx();

		if (!state)
			return TRC_NO_MEMORY;
		ZSTD_CCtx_setParameter(state, ZSTD_c_contentSizeFlag, 0);
		ZSTD_CCtx_setParameter(state, ZSTD_c_compressionLevel, packer->level);
		packer->state = state;
	}
	made = ZSTD_compress2(packer->state, dst, packed_bound(COMPRESSION_ZSTD, size), src, size);
	if (ZSTD_isError(made))
		return TRC_NO_MEMORY;
	*stored = made;
	return TRC_OK;
}

int pack(struct packer *packer, const uint8_t *src, size_t size, uint8_t *dst, size_t *stored,
	 struct trc_error *err)
{
	int rc;

	if (size > UINT32_MAX || packed_bound(packer->algorithm, size) > UINT32_MAX)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET,
				"compression: a block of %zu bytes is too large", size);
	rc = packer->algorithm == COMPRESSION_ZLIB ? pack_zlib(packer, src, size, dst, stored) :
						     pack_zstd(packer, src, size, dst, stored);
	return rc ? trc_fail_no_memory(err) : TRC_OK;
}

const char *compression_version(enum compression algorithm)
{
	switch (algorithm) {
	case COMPRESSION_ZLIB:
		return zlibVersion();
	case COMPRESSION_ZSTD:
		return ZSTD_versionString();
	default:
		return "";
	}
}

const char *compression_name(enum compression algorithm)
{
	static const char *const names[] = {
		[COMPRESSION_NONE] = "none",
		[COMPRESSION_ZLIB] = "zlib",
		[COMPRESSION_ZSTD] = "zstd",
	};

	return names[algorithm];
}
