/* SPDX-License-Identifier: MIT */
/*
 * Version 6: trace-cmd.dat.v6(5). One fixed sequence, then the data of the top buffer after its table, then that
 * of each instance after its own, which options before have the place of.
 */
#include <stdlib.h>

#include "base/error.h"
#include "write/writer.h"

#define TABLE_ROW 16 /* u64 offset, u64 size */

static const struct trc_outline_buffer *buffer_at(const struct trc_writer *writer, size_t index)
{
	return &writer->outline->buffers[index];
}

static bool has_top(const struct trc_outline *outline)
{
	return outline->buffer_count && !*outline->buffers[0].name;
}

/* Text is the rest of the file, and can only be the top buffer's. */
static int check_buffers(const struct trc_outline *outline, struct trc_error *err)
{
	bool has_text = false;

	for (size_t i = 0; i < outline->buffer_count; i++)
		has_text |= outline->buffers[i].kind == TRC_BUFFER_TEXT;
	if (has_text && (!has_top(outline) || outline->buffer_count > 1))
		return trc_fail(
			err, TRC_UNSUPPORTED, TRC_NO_OFFSET,
			"writer: version 6 has a latency tracer's text only where there are no instances");
	return TRC_OK;
}

/* An option each for instances, with the place of their data; CPUCOUNT follows where one has more CPUs. */
static void put_instances(struct trc_writer *writer)
{
	const struct trc_outline *outline = writer->outline;

	for (size_t i = has_top(outline); i < outline->buffer_count; i++) {
		const struct trc_outline_buffer *buffer = buffer_at(writer, i);

		put_option_head(&writer->out, TRC_OPTION_BUFFER, (uint32_t)(8 + strlen(buffer->name) + 1),
				writer->big_endian);
		writer->buffer_offset_at[i] = writer_position(writer);
		put_u64(&writer->out, 0, writer->big_endian);
		put_text_nul(&writer->out, buffer->name);
		if (buffer->cpu_count > outline->header.cpu_count) {
			put_option_head(&writer->out, TRC_OPTION_CPUCOUNT, 4, writer->big_endian);
			put_u32(&writer->out, buffer->cpu_count, writer->big_endian);
		}
	}
}

/* The clock after a table: its name in brackets, as in the kernel's trace_clock. */
static void put_clock(struct trc_writer *writer, const char *clock)
{
	size_t size = strlen(clock);

	put_u64(&writer->out, size ? size + 2 : 0, writer->big_endian);
	if (!size)
		return;
	output_char(&writer->out, '[');
	output_bytes(&writer->out, clock, size);
	output_char(&writer->out, ']');
}

/* "flyrecord", a row for each CPU that is filled in later, and the clock. */
static void begin_table(struct trc_writer *writer, uint32_t rows, const char *clock)
{
	put_text_nul(&writer->out, "flyrecord");
	writer->table = writer_position(writer);
	writer->table_rows = rows;
	output_fill(&writer->out, 0, (size_t)rows * TABLE_ROW);
	put_clock(writer, clock);
}

static int begin_file(struct trc_writer *writer, struct trc_error *err)
{
	const struct trc_outline *outline = writer->outline;
	int rc = check_buffers(outline, err);

	if (rc)
		return rc;
	for (uint32_t id = TRC_OPTION_HEADER_INFO; id <= TRC_OPTION_CMDLINES; id++)
		put_texts_v6(&writer->out, outline, id);
	put_u32(&writer->out, outline->header.cpu_count, writer->big_endian);
	put_text_nul(&writer->out, "options  ");
	put_options(writer);
	put_instances(writer);
	put_u16(&writer->out, TRC_OPTION_DONE, writer->big_endian);
	/* There is a top buffer in any case, if only an empty one. */
	if (!has_top(outline))
		begin_table(writer, outline->header.cpu_count, "");
	return TRC_OK;
}

static int begin_buffer(struct trc_writer *writer, struct trc_error *err)
{
	const struct trc_outline_buffer *buffer = buffer_at(writer, writer->buffer);
	uint32_t rows = writer->outline->header.cpu_count;

	(void)err;
	if (buffer->kind == TRC_BUFFER_TEXT) {
		put_text_nul(&writer->out, "latency  ");
		output_bytes(&writer->out, (const char *)buffer->text, (size_t)buffer->text_size);
		return TRC_OK;
	}
	if (*buffer->name)
		writer_patch_u64(writer, writer->buffer_offset_at[writer->buffer], writer_position(writer));
	if (*buffer->name && buffer->cpu_count > rows)
		rows = buffer->cpu_count;
	begin_table(writer, rows, buffer->clock);
	return TRC_OK;
}

static int begin_cpu(struct trc_writer *writer, uint32_t cpu, struct trc_error *err)
{
	if (cpu < writer->table_rows)
		return TRC_OK;
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: CPU %u in a table of %u", cpu,
			writer->table_rows);
}

static void end_cpu(struct trc_writer *writer)
{
	struct cpu_place *place = &writer->cpus[writer->cpu_count - 1];

	place->size = writer_position(writer) - place->offset;
}

/* CPUs without data have the place where they would be. */
static void end_buffer(struct trc_writer *writer)
{
	const struct trc_outline_buffer *buffer = buffer_at(writer, writer->buffer);
	uint64_t mask = buffer->page_size - 1, end = (writer_position(writer) + mask) & ~mask;
	size_t next = 0;

	if (buffer->kind == TRC_BUFFER_TEXT)
		return;
	writer_patch(writer, writer->table, (size_t)writer->table_rows * TABLE_ROW);
	for (uint32_t cpu = 0; cpu < writer->table_rows; cpu++) {
		bool has_data = next < writer->cpu_count && writer->cpus[next].cpu == cpu;

		put_u64(&writer->patched, next < writer->cpu_count ? writer->cpus[next].offset : end,
			writer->big_endian);
		put_u64(&writer->patched, has_data ? writer->cpus[next].size : 0, writer->big_endian);
		next += has_data;
	}
}

static int end_file(struct trc_writer *writer, struct trc_error *err)
{
	(void)writer;
	(void)err;
	return TRC_OK;
}

const struct layout layout_v6 = { begin_file, begin_buffer, begin_cpu, end_cpu, end_buffer, end_file };
