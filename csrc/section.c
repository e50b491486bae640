/* SPDX-License-Identifier: MIT */
#include "section.h"

#include <inttypes.h>
#include <stdlib.h>

#include "compress.h"
#include "error.h"
#include "file.h"

#define SYSTEM_NAME_MAX 1024
#define TEXT_COUNT_MAX (1u << 20)	/* a kernel has a few thousand events */

struct section *sections_text(struct sections *sections, uint32_t id)
{
	if (id < SECTION_FIRST_TEXT || id > SECTION_LAST_TEXT)
		return NULL;
	return &sections->text[id - SECTION_FIRST_TEXT];
}

int section_read_header(const struct trc_file *file, uint64_t offset, uint64_t told_at,
			struct section *out, struct trc_error *err)
{
	struct map_window window = file_window(file);
	struct cursor c = file_cursor(file, &window, "section header");
	struct section s = { .present = true, .header = offset };
	uint16_t flags;
	int rc;

	if (offset < file->body)
		return trc_fail(err, TRC_CORRUPT, told_at,
				"section header: cannot lie at 0x%" PRIx64 ", inside the file header", offset);
	if (offset > file->map.size)
		return trc_fail(err, TRC_TRUNCATED, offset, "section header: lies behind the end of the file");
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
static int read_block(const struct trc_file *file, const struct section *section, struct cursor whole,
		      struct unpacker *unpacker, struct block *out, struct trc_error *err)
{
	uint64_t limit = budget_block(&file->budget);
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
				"section %u: unpacks to %" PRIu64 " bytes, a quarter of the budget of %" PRIu64
				" bytes of memory is the limit", section->id, out->plain, file->budget.memory);
	if (!unpacked_size_plausible(file->compression, out->stored, out->plain))
		return trc_fail(err, TRC_CORRUPT, section->offset + 4,
				"section %u: %" PRIu64 " bytes cannot unpack to %" PRIu64, section->id,
				out->stored, out->plain);
	return TRC_OK;
}

static int section_unpack(const struct trc_file *file, const struct section *section,
			  struct trc_bytes *out, struct trc_error *err)
{
	struct map_window window = file_window(file);
	struct cursor whole = file_cursor(file, &window, "compressed section");
	struct unpacker unpacker = unpacker_of(file->compression);
	struct block block;
	uint8_t *data = NULL;
	int rc;

	if (file->compression == COMPRESSION_NONE)
		return trc_fail(err, TRC_CORRUPT, section->header + SECTION_FLAGS,
				"section %u: marked compressed in a file without compression", section->id);
	rc = read_block(file, section, whole, &unpacker, &block, err);
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

int section_bytes(const struct trc_file *file, const struct section *section,
		  struct trc_bytes *out, struct trc_error *err)
{
	if (section->compressed)
		return section_unpack(file, section, out, err);
	out->size = section->size;
	return map_load(&file->map, section->offset, section->size, &out->data, &out->owned, err);
}

struct cursor section_cursor(const struct trc_file *file, const struct section *section,
			     const struct trc_bytes *bytes, const char *structure)
{
	return (struct cursor){
		.base = bytes->data,
		.end = bytes->size,
		.file_offset = section->compressed ? section->header : section->offset,
		.structure = structure,
		.big_endian = file->header.big_endian,
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

/* --- the texts of a section ------------------------------------------------------------- */

static int text_not_found(struct trc_error *err)
{
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "section: no more texts");
}

/* The bytes of a section lie in memory. */
static int take_text(struct cursor *c, uint64_t size, struct trc_text *out, struct trc_error *err)
{
	struct cursor text = *c;
	const uint8_t *bytes;
	int rc;

	if ((rc = cursor_skip_sized(c, size, err)) || (rc = cursor_bytes(&text, size, &bytes, err)))
		return rc;
	out->text = (const char *)bytes;
	out->size = size;
	return TRC_OK;
}

/* HEADER_INFO: "header_page\0", u64 size, text; the same for header_event. */
static int next_header_text(struct cursor *c, struct trc_text_position *at, struct trc_text *out,
			    struct trc_error *err)
{
	static const struct {
		const char *name;
		uint64_t size;
	} names[] = { { "header_page", 12 }, { "header_event", 13 } };
	uint64_t size;
	int rc;

	if (at->started == countof(names))
		return text_not_found(err);
	if ((rc = cursor_expect(c, names[at->started].name, names[at->started].size, err)) ||
	    (rc = cursor_u64(c, &size, err)))
		return rc;
	at->started++;
	return take_text(c, size, out, err);
}

/* EVENT_FORMATS: count x { system\0, u32 count, count x {u64 size, text} }; FTRACE_EVENTS: one such count. */
static int next_format_text(struct cursor *c, bool systems, struct trc_text_position *at,
			    struct trc_text *out, struct trc_error *err)
{
	const char *name = "ftrace";
	uint64_t size = 6;
	int rc;

	if (!at->started) {
		uint32_t count;

		if ((rc = cursor_u32(c, &count, err)))
			return rc;
		at->systems_left = systems ? count : 0;
		at->texts_left = systems ? 0 : count;
		at->started = 1;
	}
	while (!at->texts_left) {
		if (!at->systems_left)
			return text_not_found(err);
		at->systems_left--;
		at->system_pos = c->pos;
		if ((rc = cursor_string(c, SYSTEM_NAME_MAX, &name, &size, err)) ||
		    (rc = cursor_u32(c, &at->texts_left, err)))
			return rc;
	}
	if (systems) {
		struct cursor again = *c;

		again.pos = at->system_pos;
		if ((rc = cursor_string(&again, SYSTEM_NAME_MAX, &name, &size, err)))
			return rc;
	}
	out->system = name;
	out->system_size = size;
	if ((rc = cursor_u64(c, &size, err)))
		return rc;
	at->texts_left--;
	return take_text(c, size, out, err);
}

/* KALLSYMS and PRINTK: u32 size, text. CMDLINES: u64 size, text. */
static int next_plain_text(struct cursor *c, bool wide, struct trc_text_position *at,
			   struct trc_text *out, struct trc_error *err)
{
	uint64_t size = 0;
	uint32_t narrow = 0;
	int rc;

	if (at->started)
		return text_not_found(err);
	rc = wide ? cursor_u64(c, &size, err) : cursor_u32(c, &narrow, err);
	if (rc)
		return rc;
	at->started = 1;
	return take_text(c, size + narrow, out, err);
}

int trc_section_text(const struct trc_file *file, uint32_t id, const struct trc_bytes *bytes,
		     struct trc_text_position *position, struct trc_text *out,
		     struct trc_error *err)
{
	static const char *const names[] = {
		"HEADER_INFO", "FTRACE_EVENTS", "EVENT_FORMATS", "KALLSYMS", "PRINTK", "CMDLINES",
	};
	const struct section *section = sections_text((struct sections *)(uintptr_t)&file->sections, id);
	struct trc_text_position at = *position;
	struct trc_text text = { .system = "" };
	struct cursor c;
	int rc;

	if (!section || !section->present)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "section %u: holds no texts", id);
	c = section_cursor(file, section, bytes, names[id - SECTION_FIRST_TEXT]);
	if ((rc = cursor_skip(&c, at.pos, err)))
		return rc;
	if (id == TRC_OPTION_HEADER_INFO)
		rc = next_header_text(&c, &at, &text, err);
	else if (id == TRC_OPTION_FTRACE_EVENTS || id == TRC_OPTION_EVENT_FORMATS)
		rc = next_format_text(&c, id == TRC_OPTION_EVENT_FORMATS, &at, &text, err);
	else
		rc = next_plain_text(&c, id == TRC_OPTION_CMDLINES, &at, &text, err);
	if (rc)
		return rc;
	at.pos = c.pos;
	*position = at;
	*out = text;
	return TRC_OK;
}

/* --- public look-up ---------------------------------------------------------------------- */

static const struct section *find_text(const struct trc_file *file, uint32_t id,
				       struct trc_error *err)
{
	const struct section *section = sections_text((struct sections *)(uintptr_t)&file->sections, id);

	if (section && section->present)
		return section;
	trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "section %u: not in this file", id);
	return NULL;
}

int trc_section_find(const struct trc_file *file, uint32_t id, struct trc_section *out,
		     struct trc_error *err)
{
	const struct section *section = find_text(file, id, err);

	if (!section)
		return TRC_NOT_FOUND;
	*out = (struct trc_section){ .id = id, .compressed = section->compressed,
				     .offset = section->offset, .size = section->size };
	return TRC_OK;
}

int trc_section_load(const struct trc_file *file, uint32_t id, struct trc_bytes *out,
		     struct trc_error *err)
{
	const struct section *section = find_text(file, id, err);

	if (!section)
		return TRC_NOT_FOUND;
	return section_bytes(file, section, out, err);
}

void trc_bytes_free(struct trc_bytes *bytes)
{
	free(bytes->owned);
	*bytes = (struct trc_bytes){ 0 };
}
