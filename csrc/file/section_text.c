/* SPDX-License-Identifier: MIT */
/* The texts in a section, one after the other. trace-cmd.dat.v7(5), HEADER INFO to MODULES FILE. */
#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

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
static int next_plain_text(struct cursor *c, bool wide, struct trc_text_position *at, struct trc_text *out,
			   struct trc_error *err)
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

/* MODULES_FILE: all of it is the text. */
static int next_bare_text(struct cursor *c, struct trc_text_position *at, struct trc_text *out,
			  struct trc_error *err)
{
	if (at->started)
		return text_not_found(err);
	at->started = 1;
	return take_text(c, cursor_left(c), out, err);
}

int section_next_text(struct cursor c, uint32_t id, struct trc_text_position *position, struct trc_text *out,
		      struct trc_error *err)
{
	struct trc_text_position at = *position;
	struct trc_text text = { .system = "" };
	int rc = cursor_skip(&c, at.pos, err);

	if (rc)
		return rc;
	if (id == TRC_OPTION_HEADER_INFO)
		rc = next_header_text(&c, &at, &text, err);
	else if (id == TRC_OPTION_FTRACE_EVENTS || id == TRC_OPTION_EVENT_FORMATS)
		rc = next_format_text(&c, id == TRC_OPTION_EVENT_FORMATS, &at, &text, err);
	else if (id == TRC_OPTION_MODULES_FILE)
		rc = next_bare_text(&c, &at, &text, err);
	else
		rc = next_plain_text(&c, id == TRC_OPTION_CMDLINES, &at, &text, err);
	if (rc)
		return rc;
	at.pos = c.pos;
	*position = at;
	*out = text;
	return TRC_OK;
}

int trc_section_text(const struct trc_file *file, uint32_t id, const struct trc_bytes *bytes,
		     struct trc_text_position *position, struct trc_text *out, struct trc_error *err)
{
	static const char *const names[] = {
		"HEADER_INFO", "FTRACE_EVENTS", "EVENT_FORMATS", "KALLSYMS", "PRINTK", "CMDLINES", NULL, NULL,
		NULL,	       "MODULES_FILE",
	};
	const struct section *section = sections_text((struct sections *)(uintptr_t)&file->sections, id);

	if (!section || !section->present || id == TRC_OPTION_BTF_FILE)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "section %u: holds no texts", id);
	return section_next_text(section_cursor(&file->image, section, bytes, names[id - SECTION_FIRST_TEXT]),
				 id, position, out, err);
}
