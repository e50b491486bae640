/* SPDX-License-Identifier: MIT */
/* The kernel's texts in version 6: trace-cmd.dat.v6(5), from "header_page" to the command lines. */
#include "base/byteorder.h"
#include "file/cursor.h"
#include "write/writer.h"

/* A section that is not there is one without bytes. */
static struct cursor cursor_over(const struct trc_outline *outline, uint32_t id)
{
	struct trc_bytes section = { 0 };

	trc_outline_section(outline, id, &section, NULL);
	return (struct cursor){
		.base = section.data ? section.data : (const uint8_t *)"",
		.end = section.size,
		.structure = "section",
		.big_endian = outline->header.big_endian,
		.inner = true,
	};
}

/* Steps over all texts. False: some are damaged. */
static bool skip_texts(struct cursor *c, uint32_t id)
{
	struct trc_text_position position = { 0 };
	struct trc_text text;
	size_t count = 0;
	int rc;

	if (id == TRC_OPTION_FTRACE_EVENTS)
		return !section_skip_events(c, NULL);
	if (id == TRC_OPTION_EVENT_FORMATS)
		return !section_skip_systems(c, NULL);
	while (!(rc = section_next_text(*c, id, &position, &text, NULL)))
		count++;
	c->pos = position.pos;
	return rc == TRC_NOT_FOUND && count == (id == TRC_OPTION_HEADER_INFO ? 2 : 1);
}

/* A number that counts what follows it, and grows as that is put. */
struct counter {
	size_t at;
	uint32_t count;
};

static struct counter put_counter(struct output *out)
{
	struct counter counter = { .at = out->size };

	put_u32(out, 0, false);
	return counter;
}

static void count_one(struct output *out, struct counter *counter, bool big_endian)
{
	counter->count++;
	if (!out->no_memory)
		store_u32((uint8_t *)out->data + counter->at, counter->count, big_endian);
}

static void put_sized(struct output *out, const struct trc_text *text, bool big_endian)
{
	put_u64(out, text->size, big_endian);
	output_bytes(out, text->text, (size_t)text->size);
}

static void put_whole_headers(struct output *out, struct cursor c)
{
	struct trc_text_position position = { 0 };
	struct trc_text text = { 0 };

	if (section_next_text(c, TRC_OPTION_HEADER_INFO, &position, &text, NULL))
		text.size = 0;
	put_text_nul(out, "header_page");
	put_sized(out, &text, c.big_endian);
	if (section_next_text(c, TRC_OPTION_HEADER_INFO, &position, &text, NULL))
		text.size = 0;
	put_text_nul(out, "header_event");
	put_sized(out, &text, c.big_endian);
}

static void put_whole_formats(struct output *out, struct cursor c, uint32_t id)
{
	struct counter outer = put_counter(out), inner = { 0 };
	struct trc_text_position position = { 0 };
	uint64_t system = UINT64_MAX;
	struct trc_text text;

	while (!section_next_text(c, id, &position, &text, NULL)) {
		if (id == TRC_OPTION_FTRACE_EVENTS) {
			count_one(out, &outer, c.big_endian);
		} else {
			if (position.system_pos != system) {
				system = position.system_pos;
				count_one(out, &outer, c.big_endian);
				output_bytes(out, text.system, text.system_size);
				output_char(out, '\0');
				inner = put_counter(out);
			}
			count_one(out, &inner, c.big_endian);
		}
		put_sized(out, &text, c.big_endian);
	}
}

/* As many bytes of a text as are there. */
static void put_whole_text(struct output *out, struct cursor c, bool wide)
{
	uint64_t head = wide ? 8 : 4, left = c.end > head ? c.end - head : 0;

	if (wide)
		put_u64(out, left, c.big_endian);
	else
		put_u32(out, (uint32_t)left, c.big_endian);
	if (left)
		output_bytes(out, (const char *)c.base + head, (size_t)left);
}

void put_texts_v6(struct output *out, const struct trc_outline *outline, uint32_t id)
{
	struct cursor c = cursor_over(outline, id), end = c;

	if (skip_texts(&end, id))
		output_bytes(out, (const char *)c.base, (size_t)end.pos);
	else if (id == TRC_OPTION_HEADER_INFO)
		put_whole_headers(out, c);
	else if (id == TRC_OPTION_FTRACE_EVENTS || id == TRC_OPTION_EVENT_FORMATS)
		put_whole_formats(out, c, id);
	else
		put_whole_text(out, c, id == TRC_OPTION_CMDLINES);
}
