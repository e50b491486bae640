/* SPDX-License-Identifier: MIT */
/*
 * Version 7: trace-cmd.dat.v7(5). Sections of the kernel's texts, one of each buffer, then all options, as the last
 * of them say where the others are.
 */
#include "base/error.h"
#include "write/block.h"
#include "write/writer.h"

#define SECTION_COMPRESSED 1
#define SECTION_SIZE_AT 8 /* in its header */

static const char *section_title(uint32_t id)
{
	switch (id) {
	case TRC_OPTION_DONE:
		return "options";
	case TRC_OPTION_STRINGS:
		return "strings";
	case TRC_OPTION_HEADER_INFO:
		return "headers";
	case TRC_OPTION_FTRACE_EVENTS:
		return "ftrace events";
	case TRC_OPTION_EVENT_FORMATS:
		return "events format";
	case TRC_OPTION_KALLSYMS:
		return "kallsyms";
	case TRC_OPTION_PRINTK:
		return "printk";
	case TRC_OPTION_CMDLINES:
		return "command lines";
	case TRC_OPTION_BTF_FILE:
		return "btf file";
	default:
		return "modules file";
	}
}

/* Places a text among the strings, and says where. */
static uint32_t add_string(struct trc_writer *writer, const char *text, const char *name)
{
	uint32_t at = (uint32_t)writer->strings.size;

	output_bytes(&writer->strings, text, strlen(text));
	put_text_nul(&writer->strings, name);
	return at;
}

/* A section's header, whose size is not known yet. */
static void begin_section(struct trc_writer *writer, uint32_t id, bool compressed, uint32_t description)
{
	writer->section = writer_position(writer);
	put_u16(&writer->out, (uint16_t)id, writer->big_endian);
	put_u16(&writer->out, compressed ? SECTION_COMPRESSED : 0, writer->big_endian);
	put_u32(&writer->out, description, writer->big_endian);
	put_u64(&writer->out, 0, writer->big_endian);
}

static void end_section(struct trc_writer *writer)
{
	writer_patch_u64(writer, writer->section + SECTION_SIZE_AT,
			 writer_position(writer) - writer->section - SECTION_HEADER_SIZE);
}

/* A whole section, compressed as one block where the file is. */
static int put_section(struct trc_writer *writer, uint32_t id, struct text bytes, bool compressed,
		       struct trc_error *err)
{
	int rc = TRC_OK;

	begin_section(writer, id, compressed, add_string(writer, section_title(id), ""));
	if (compressed)
		rc = block_append_packed(&writer->packer, writer->big_endian, (const uint8_t *)bytes.start,
					 bytes.size, &writer->out, err);
	else
		output_text(&writer->out, bytes);
	end_section(writer);
	return rc;
}

/* An option that says where the section is that comes next. */
static void put_section_option(struct trc_writer *writer, uint32_t id)
{
	put_option_head(&writer->buffer_options, id, 8, writer->big_endian);
	put_u64(&writer->buffer_options, writer_position(writer), writer->big_endian);
}

static int begin_file(struct trc_writer *writer, struct trc_error *err)
{
	enum compression compression = writer->packer.algorithm;

	put_text_nul(&writer->out, compression_name(compression));
	put_text_nul(&writer->out, compression_version(compression));
	writer->options_offset_at = writer_position(writer);
	put_u64(&writer->out, 0, writer->big_endian);
	for (uint32_t id = SECTION_FIRST_TEXT; id <= SECTION_LAST_TEXT; id++) {
		struct trc_bytes section;
		int rc;

		if (trc_outline_section(writer->outline, id, &section, NULL))
			continue;
		put_section_option(writer, id);
		rc = put_section(writer, id,
				 (struct text){ (const char *)section.data, (size_t)section.size },
				 writer_packs(writer) || section_always_packed(id), err);
		if (rc)
			return rc;
	}
	return TRC_OK;
}

/* --- buffers ----------------------------------------------------------------------------------- */

static const struct trc_outline_buffer *open_buffer(const struct trc_writer *writer)
{
	return &writer->outline->buffers[writer->buffer];
}

/* The text of a latency tracer: chunks, of which there is one. */
static int put_latency_text(struct trc_writer *writer, struct trc_error *err)
{
	const struct trc_outline_buffer *buffer = open_buffer(writer);

	if (!writer_packs(writer)) {
		output_bytes(&writer->out, (const char *)buffer->text, (size_t)buffer->text_size);
		return TRC_OK;
	}
	put_u32(&writer->out, 1, writer->big_endian);
	return block_append_packed(&writer->packer, writer->big_endian, buffer->text,
				   (size_t)buffer->text_size, &writer->out, err);
}

static int begin_buffer(struct trc_writer *writer, struct trc_error *err)
{
	const struct trc_outline_buffer *buffer = open_buffer(writer);
	bool text = buffer->kind == TRC_BUFFER_TEXT;

	begin_section(writer, text ? TRC_OPTION_BUFFER_TEXT : TRC_OPTION_BUFFER, writer_packs(writer),
		      add_string(writer, text ? "buffer latency " : "buffer flyrecord ", buffer->name));
	return text ? put_latency_text(writer, err) : TRC_OK;
}

static int begin_cpu(struct trc_writer *writer, uint32_t cpu, struct trc_error *err)
{
	(void)cpu;
	(void)err;
	if (writer_packs(writer))
		put_u32(&writer->out, 0, writer->big_endian); /* number of chunks */
	return TRC_OK;
}

static void end_cpu(struct trc_writer *writer)
{
	struct cpu_place *place = &writer->cpus[writer->cpu_count - 1];

	place->size = writer_position(writer) - place->offset;
	if (writer_packs(writer))
		writer_patch_u32(writer, place->offset, writer->chunk_count);
}

#define CPU_ROW 20

static void end_buffer(struct trc_writer *writer)
{
	const struct trc_outline_buffer *buffer = open_buffer(writer);
	struct output *out = &writer->buffer_options;
	size_t texts = strlen(buffer->name) + strlen(buffer->clock) + 2;
	bool big_endian = writer->big_endian, text = buffer->kind == TRC_BUFFER_TEXT;

	end_section(writer);
	put_option_head(out, text ? TRC_OPTION_BUFFER_TEXT : TRC_OPTION_BUFFER,
			(uint32_t)(8 + texts + (text ? 0 : 8 + CPU_ROW * writer->cpu_count)), big_endian);
	put_u64(out, writer->section, big_endian);
	put_text_nul(out, buffer->name);
	put_text_nul(out, buffer->clock);
	if (text)
		return;
	put_u32(out, buffer->page_size, big_endian);
	put_u32(out, (uint32_t)writer->cpu_count, big_endian);
	for (size_t i = 0; i < writer->cpu_count; i++) {
		put_u32(out, writer->cpus[i].cpu, big_endian);
		put_u64(out, writer->cpus[i].offset, big_endian);
		put_u64(out, writer->cpus[i].size, big_endian);
	}
}

/* --- the end ----------------------------------------------------------------------------------- */

static int end_file(struct trc_writer *writer, struct trc_error *err)
{
	struct text strings;

	writer_patch_u64(writer, writer->options_offset_at, writer_position(writer));
	begin_section(writer, TRC_OPTION_DONE, false, add_string(writer, section_title(TRC_OPTION_DONE), ""));
	put_options(writer);
	if (writer->outline->header.cpu_count) {
		put_option_head(&writer->out, TRC_OPTION_CPUCOUNT, 4, writer->big_endian);
		put_u32(&writer->out, writer->outline->header.cpu_count, writer->big_endian);
	}
	output_bytes(&writer->out, writer->buffer_options.data, writer->buffer_options.size);
	put_option_head(&writer->out, TRC_OPTION_DONE, 8, writer->big_endian);
	put_u64(&writer->out, 0, writer->big_endian); /* no other options section */
	end_section(writer);

	/* They hold their own description, too. */
	add_string(writer, section_title(TRC_OPTION_STRINGS), "");
	strings = (struct text){ writer->strings.data, writer->strings.size };
	begin_section(writer, TRC_OPTION_STRINGS, writer_packs(writer),
		      (uint32_t)(strings.size - sizeof("strings")));
	if (writer->strings.no_memory)
		return trc_fail_no_memory(err);
	if (writer_packs(writer)) {
		int rc = block_append_packed(&writer->packer, writer->big_endian,
					     (const uint8_t *)strings.start, strings.size, &writer->out, err);

		if (rc)
			return rc;
	} else {
		output_text(&writer->out, strings);
	}
	end_section(writer);
	return TRC_OK;
}

const struct layout layout_v7 = { begin_file, begin_buffer, begin_cpu, end_cpu, end_buffer, end_file };
