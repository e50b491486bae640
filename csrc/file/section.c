/* SPDX-License-Identifier: MIT */
#include "file/section.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"

#define TEXT_COUNT_MAX (1u << 20) /* a kernel has a few thousand events */

struct section *sections_text(struct sections *sections, uint32_t id)
{
	if (id < SECTION_FIRST_TEXT || id > SECTION_LAST_TEXT || id == TRC_OPTION_BUFFER_TEXT ||
	    id == TRC_OPTION_LAST_BOOT_INFO)
		return NULL;
	return &sections->text[id - SECTION_FIRST_TEXT];
}

int section_read_header(const struct image *image, uint64_t offset, uint64_t told_at, struct section *out,
			struct trc_error *err)
{
	struct map_window window = image_window(image);
	struct cursor c = image_cursor(image, &window, "section header");
	struct section s = { .present = true, .header = offset };
	uint16_t flags;
	int rc;

	if (offset < image->body)
		return trc_fail(err, TRC_CORRUPT, told_at,
				"section header: cannot lie at 0x%" PRIx64 ", inside the file header",
				offset);
	if (offset > image->map.size)
		return trc_fail(err, TRC_TRUNCATED, offset, "section header: lies past the end of the file");
	window.step = SECTION_HEADER_SIZE;
	if (!(rc = cursor_skip(&c, offset, err)) && !(rc = cursor_u16(&c, &s.id, err)) &&
	    !(rc = cursor_u16(&c, &flags, err)) &&
	    !(rc = cursor_skip(&c, 4, err)) /* description: an offset into STRINGS */)
		rc = cursor_u64(&c, &s.size, err);
	map_window_deinit(&window);
	if (rc)
		return rc;
	s.compressed = flags & 1;
	s.offset = c.pos;
	if (s.size > cursor_left(&c)) {
		trc_fail(err, TRC_TRUNCATED, offset,
			 "section %u: cut short, %" PRIu64 " of %" PRIu64 " bytes are there", s.id,
			 cursor_left(&c), s.size);
		s.size = cursor_left(&c);
		rc = TRC_TRUNCATED;
	}
	*out = s;
	return rc;
}

/* A compressed block: where it lies, and what it unpacks to. */
struct block {
	const uint8_t *bytes;
	uint64_t stored, plain;
};

/*
 * The one compressed block of a section: u32 stored size, u32 unpacked size, the stream. trace-cmd 3.3.1
 * on 64-bit big-endian machines left the second word 0.
 */
static int read_block(const struct image *image, const struct section *section, struct cursor whole,
		      struct unpacker *unpacker, struct block *out, struct trc_error *err)
{
	uint64_t limit = budget_block(&image->budget);
	struct extent extent;
	struct cursor c;
	uint32_t stored, plain;
	int rc;

	if ((rc = cursor_skip(&whole, section->offset, err)) ||
	    (rc = cursor_slice(&whole, section->size, "compressed section", &c, err)) ||
	    (rc = cursor_u32(&c, &stored, err)) || (rc = cursor_u32(&c, &plain, err)) ||
	    (rc = cursor_bytes(&c, stored, &out->bytes, err)))
		return rc;
	out->stored = stored;
	out->plain = plain;
	if (!plain && stored) {
		rc = unpacked_extent(unpacker, out->bytes, stored, limit, &extent, section->header, err);
		if (rc)
			return rc;
		out->stored = extent.used;
		out->plain = extent.plain;
	}
	if (out->plain > limit)
		return trc_fail(err, TRC_LIMIT, section->offset + 4,
				"section %u: unpacks to %" PRIu64
				" bytes, a quarter of the budget of %" PRIu64 " bytes of memory is the limit",
				section->id, out->plain, image->budget.memory);
	if (!unpacked_size_plausible(image->compression, out->stored, out->plain))
		return trc_fail(err, TRC_CORRUPT, section->offset + 4,
				"section %u: %" PRIu64 " bytes cannot unpack to %" PRIu64, section->id,
				out->stored, out->plain);
	return TRC_OK;
}

static int section_unpack(const struct image *image, const struct section *section, struct trc_bytes *out,
			  struct trc_error *err)
{
	struct map_window window = image_window(image);
	struct cursor whole = image_cursor(image, &window, "compressed section");
	struct unpacker unpacker = unpacker_of(image->compression);
	struct block block;
	uint8_t *data = NULL;
	int rc;

	if (image->compression == COMPRESSION_NONE)
		return trc_fail(err, TRC_CORRUPT, section->header + SECTION_FLAGS,
				"section %u: marked compressed in a file without compression", section->id);
	rc = read_block(image, section, whole, &unpacker, &block, err);
	if (!rc && !(data = malloc(block.plain ? (size_t)block.plain : 1)))
		rc = trc_fail_no_memory(err);
	if (!rc)
		rc = unpack(&unpacker, block.bytes, block.stored, data, block.plain, section->header, err);
	map_window_deinit(&window);
	unpacker_deinit(&unpacker);
	if (rc) {
		free(data);
		return rc;
	}
	*out = (struct trc_bytes){ .data = data, .size = block.plain, .owned = data };
	return TRC_OK;
}

int section_bytes(const struct image *image, const struct section *section, struct trc_bytes *out,
		  struct trc_error *err)
{
	if (section->compressed)
		return section_unpack(image, section, out, err);
	out->size = section->size;
	return map_load(&image->map, section->offset, section->size, &out->data, &out->owned, err);
}

struct cursor section_cursor(const struct image *image, const struct section *section,
			     const struct trc_bytes *bytes, const char *structure)
{
	return (struct cursor){
		.base = bytes->data,
		.end = bytes->size,
		.file_offset = section->compressed ? section->header : section->offset,
		.structure = structure,
		.big_endian = image->header.big_endian,
		.inner = true,
		.unpacked = section->compressed,
	};
}

int section_skip_events(struct cursor *c, struct trc_error *err)
{
	uint32_t count;
	int rc = cursor_u32(c, &count, err);

	if (!rc && count > TEXT_COUNT_MAX)
		rc = cursor_refuse(c, err, TRC_CORRUPT, "%u events claimed", count);
	for (; !rc && count; count--) {
		uint64_t size;

		if (!(rc = cursor_u64(c, &size, err)))
			rc = cursor_skip_sized(c, size, err);
	}
	return rc;
}

int section_skip_systems(struct cursor *c, struct trc_error *err)
{
	uint32_t count;
	int rc = cursor_u32(c, &count, err);

	if (!rc && count > TEXT_COUNT_MAX)
		rc = cursor_refuse(c, err, TRC_CORRUPT, "%u event systems claimed", count);
	for (; !rc && count; count--) {
		const char *name;
		uint64_t size;

		if (!(rc = cursor_string(c, SYSTEM_NAME_MAX, &name, &size, err)))
			rc = section_skip_events(c, err);
	}
	return rc;
}
