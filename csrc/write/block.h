/* SPDX-License-Identifier: MIT */
#ifndef TRC_WRITE_BLOCK_H
#define TRC_WRITE_BLOCK_H

#include "base/output.h"
#include "compress/pack.h"
#include "write/api.h"

/* Whole pages: where they lie themselves, or gathered in memory of its own; and packed. */
struct trc_block {
	struct packer packer;
	bool big_endian;
	uint32_t page_size;
	uint64_t size;	      /* bytes of plain pages */
	const uint8_t *pages; /* own, or elsewhere */
	uint8_t *own;
	size_t room;
	struct output packed; /* chunks with their headers */
	uint32_t chunk_count;
};

/*
 * Pages that are compressed as one chunk: 10, as trace-cmd has it; of very large ones just one. FORMAT.md
 * 1.4.
 */
static inline uint64_t chunk_bytes(uint32_t page_size)
{
	return page_size <= UINT32_C(1) << 20 ? UINT64_C(10) * page_size : page_size;
}

/* About how much goes into a block: whole chunks, a megabyte of them or a single one. */
#define BLOCK_BYTES (UINT64_C(1) << 20)
static inline uint64_t block_bytes(uint32_t page_size)
{
	uint64_t chunk = chunk_bytes(page_size);

	return chunk < BLOCK_BYTES ? BLOCK_BYTES / chunk * chunk : chunk;
}

static inline bool block_packs(const struct trc_block *block)
{
	return block->packer.algorithm != COMPRESSION_NONE;
}

/* Empties it, and makes room for so many bytes of gathered pages. */
int block_reserve(struct trc_block *block, uint32_t page_size, uint64_t room, struct trc_error *err);

/* Plain bytes as one packed block with its two lengths before it, or just as they are. */
int block_append_packed(struct packer *packer, bool big_endian, const uint8_t *bytes, size_t size,
			struct output *out, struct trc_error *err);

#endif
