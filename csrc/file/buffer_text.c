/* SPDX-License-Identifier: MIT */
/* The text of a latency tracer: trace-cmd.dat.v7(5), BUFFER_TEXT; "latency" in version 6. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

/* u32 number of chunks, then { u32 stored size, u32 unpacked size, the block } each, to one text. */
static int unpack_chunks(const struct image *image, struct cursor *c, struct trc_bytes *out,
			 struct trc_error *err)
{
	struct unpacker unpacker = unpacker_of(image->compression);
	struct trc_bytes text = { 0 };
	uint32_t count;
	int rc = cursor_u32(c, &count, err);

	for (; !rc && count; count--) {
		uint32_t stored, plain;
		const uint8_t *bytes;
		struct cursor block;
		uint8_t *bigger;

		if ((rc = cursor_u32(c, &stored, err)) || (rc = cursor_u32(c, &plain, err)) ||
		    (rc = cursor_slice(c, stored, "chunk", &block, err)) ||
		    (rc = cursor_bytes(&block, stored, &bytes, err)))
			break;
		if (!unpacked_size_plausible(image->compression, stored, plain)) {
			block.last = block.pos - sizeof(plain);
			rc = cursor_refuse(&block, err, TRC_CORRUPT, "%u bytes cannot unpack to %u", stored,
					   plain);
			break;
		}
		if (plain > budget_block(&image->budget) - text.size) {
			block.last = block.pos - sizeof(plain);
			rc = cursor_refuse(&block, err, TRC_LIMIT,
					   "unpacks to at least %" PRIu64
					   " bytes, a quarter of the budget of "
					   "%" PRIu64 " bytes of memory is the limit",
					   text.size + plain, image->budget.memory);
			break;
		}
		bigger = realloc(text.owned, (size_t)text.size + plain + 1);
		if (!bigger) {
			rc = trc_fail_no_memory(err);
			break;
		}
		text.owned = bigger;
		rc = unpack(&unpacker, bytes, stored, bigger + text.size, plain,
			    cursor_file_offset(&block, block.pos), err);
		text.size += plain;
	}
	unpacker_deinit(&unpacker);
	if (rc) {
		free(text.owned);
		return rc;
	}
	text.data = text.owned;
	*out = text;
	return TRC_OK;
}

int trc_buffer_text(const struct trc_file *file, size_t index, struct trc_bytes *out, struct trc_error *err)
{
	const struct image *image = &file->image;
	struct map_window window = image_window(image);
	struct cursor whole = image_cursor(image, &window, "buffer text"), c;
	const struct buffer *buffer;
	int rc;

	if (index >= file->buffers.count || file->buffers.list[index].info.kind != TRC_BUFFER_TEXT)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "buffer %zu: holds no text", index);
	buffer = &file->buffers.list[index];
	if (!buffer->info.compressed) {
		out->size = buffer->section.size;
		return map_load(&image->map, buffer->section.offset, out->size, &out->data, &out->owned, err);
	}
	if (!(rc = cursor_skip(&whole, buffer->section.offset, err)) &&
	    !(rc = cursor_slice(&whole, buffer->section.size, "buffer text", &c, err)))
		rc = unpack_chunks(image, &c, out, err);
	map_window_deinit(&window);
	return rc;
}
