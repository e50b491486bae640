/* SPDX-License-Identifier: MIT */
#include "write/block.h"

#include <stdlib.h>

#include "base/byteorder.h"
#include "base/error.h"
#include "file/image.h"
#include "write/outline.h"

int trc_block_create(const struct trc_outline *outline, const struct trc_write_format *format,
		     struct trc_block **out, struct trc_error *err)
{
	struct trc_block *block;
	struct packer packer;
	int rc = packer_init(&packer, (enum compression)format->compression, format->level, err);

	if (rc)
		return rc;
	block = calloc(1, sizeof(*block));
	if (!block)
		return trc_fail_no_memory(err);
	block->packer = packer;
	block->big_endian = outline->header.big_endian;
	output_init(&block->packed);
	*out = block;
	return TRC_OK;
}

void trc_block_destroy(struct trc_block *block)
{
	if (!block)
		return;
	packer_deinit(&block->packer);
	output_deinit(&block->packed);
	free(block->own);
	free(block);
}

uint64_t trc_block_size(const struct trc_block *block)
{
	return block->size;
}

int block_reserve(struct trc_block *block, uint32_t page_size, uint64_t room, struct trc_error *err)
{
	block->page_size = page_size;
	block->size = 0;
	block->packed.size = 0;
	block->chunk_count = 0;
	if (block->room < room) {
		uint8_t *own = room <= SIZE_MAX ? malloc((size_t)room) : NULL;

		if (!own)
			return trc_fail_no_memory(err);
		free(block->own);
		block->own = own;
		block->room = (size_t)room;
	}
	block->pages = block->own;
	return TRC_OK;
}

int trc_block_set(struct trc_block *block, uint32_t page_size, const uint8_t *pages, uint64_t size,
		  struct trc_error *err)
{
	int rc;

	if (!page_size_valid(page_size) || size % page_size || size > SIZE_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "block: not whole pages of %u bytes",
				page_size);
	if ((rc = block_reserve(block, page_size, 0, err)))
		return rc;
	block->pages = pages;
	block->size = size;
	return TRC_OK;
}

int block_append_packed(struct packer *packer, bool big_endian, const uint8_t *bytes, size_t size,
			struct output *out, struct trc_error *err)
{
	size_t stored;
	uint8_t *to;
	int rc;

	to = (uint8_t *)output_reserve(out, 8 + packed_bound(packer->algorithm, size));
	if (!to)
		return trc_fail_no_memory(err);
	if ((rc = pack(packer, bytes, size, to + 8, &stored, err)))
		return rc;
	store_u32(to, (uint32_t)stored, big_endian);
	store_u32(to + 4, (uint32_t)size, big_endian);
	out->size += 8 + stored;
	return TRC_OK;
}

int trc_block_pack(struct trc_block *block, struct trc_error *err)
{
	uint64_t chunk = chunk_bytes(block->page_size);

	block->packed.size = 0;
	block->chunk_count = 0;
	for (uint64_t at = 0; block_packs(block) && at < block->size; at += chunk) {
		uint64_t size = block->size - at < chunk ? block->size - at : chunk;
		int rc = block_append_packed(&block->packer, block->big_endian, block->pages + at,
					     (size_t)size, &block->packed, err);

		if (rc)
			return rc;
		block->chunk_count++;
	}
	return TRC_OK;
}
