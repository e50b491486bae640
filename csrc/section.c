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

int section_read_header(const struct trc_file *file, uint64_t offset, struct section *out,
			struct trc_error *err)
{
	struct map_window window = file_window(file);
	struct cursor c = file_cursor(file, &window, "section header");
	struct section s = { .present = true, .header = offset };
	uint16_t flags;
	int rc;

	if (offset < file->body)
		return trc_fail(err, TRC_CORRUPT, offset, "section header: lies inside the file header");
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

/* The one compressed block of a section: u32 stored size, u32 unpacked size, the stream. */
static int unpack_block(const struct trc_file *file, const struct section *section, struct cursor whole,
			struct trc_bytes *out, struct trc_error *err)
{
	struct cursor c, block;
	const uint8_t *bytes;
	uint32_t stored, plain;
	uint64_t used;
	uint8_t *data;
	int rc;

	if ((rc = cursor_skip(&whole, section->offset, err)) ||
	    (rc = cursor_slice(&whole, section->size, "compressed section", &c, err)) ||
	    (rc = cursor_u32(&c, &stored, err)) || (rc = cursor_u32(&c, &plain, err)) ||
	    (rc = cursor_slice(&c, stored, "compressed section", &block, err)) ||
	    (rc = cursor_bytes(&block, stored, &bytes, err)))
		return rc;
	if (!plain && stored) {
		/* trace-cmd 3.3.1 on 64-bit big-endian machines left this word 0. */
		rc = unpack_unsized(file->compression, bytes, stored,
				    SECTION_UNPACKED_MAX, &data, &out->size, &used, section->header, err);
		if (!rc)
			out->data = out->owned = data;
		return rc;
	}
	if (plain > SECTION_UNPACKED_MAX)
		return trc_fail(err, TRC_LIMIT, section->header,
				"section %u: unpacks to %u bytes, %" PRIu64 " is the limit", section->id,
				plain, SECTION_UNPACKED_MAX);
	if (!unpacked_size_plausible(file->compression, stored, plain))
		return trc_fail(err, TRC_CORRUPT, section->header,
				"section %u: %u bytes cannot unpack to %u", section->id, stored, plain);
	data = malloc(plain ? plain : 1);
	if (!data)
		return trc_fail_no_memory(err);
	struct unpacker unpacker = unpacker_of(file->compression);

	rc = unpack(&unpacker, bytes, stored, data, plain, section->header, err);
	unpacker_deinit(&unpacker);
	if (rc) {
		free(data);
		return rc;
	}
	*out = (struct trc_bytes){ .data = data, .size = plain, .owned = data };
	return TRC_OK;
}

static int section_unpack(const struct trc_file *file, const struct section *section,
			  struct trc_bytes *out, struct trc_error *err)
{
	struct map_window window = file_window(file);
	int rc;

	if (file->compression == COMPRESSION_NONE)
		return trc_fail(err, TRC_CORRUPT, section->header,
				"section %u: marked compressed in a file without compression", section->id);
	rc = unpack_block(file, section, file_cursor(file, &window, "compressed section"), out, err);
	map_window_deinit(&window);
	return rc;
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
		rc = cursor_fail(c, err, TRC_CORRUPT, "%u events claimed", count);
	for (; !rc && count; count--) {
		uint64_t size;

		if (!(rc = cursor_u64(c, &size, err)))
			rc = cursor_skip(c, size, err);
	}
	return rc;
}

int section_skip_systems(struct cursor *c, struct trc_error *err)
{
	uint32_t count;
	int rc = cursor_u32(c, &count, err);

	if (!rc && count > TEXT_COUNT_MAX)
		rc = cursor_fail(c, err, TRC_CORRUPT, "%u event systems claimed", count);
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
	const uint8_t *bytes;
	int rc = cursor_bytes(c, size, &bytes, err);

	if (rc)
		return rc;
	out->text = (const char *)bytes;
	out->size = size;
	return cursor_skip(c, size, err);
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
