/* SPDX-License-Identifier: MIT */
/* What both versions have in common: bytes that go out, and buffers and CPUs one after the other. */
#include "write/writer.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/byteorder.h"
#include "base/error.h"
#include "file/buffer.h"
#include "write/block.h"

/* --- bytes ------------------------------------------------------------------------------------- */

void put_u16(struct output *out, uint16_t value, bool big_endian)
{
	uint8_t bytes[2];

	store_u16(bytes, value, big_endian);
	output_bytes(out, (const char *)bytes, sizeof(bytes));
}

void put_u32(struct output *out, uint32_t value, bool big_endian)
{
	uint8_t bytes[4];

	store_u32(bytes, value, big_endian);
	output_bytes(out, (const char *)bytes, sizeof(bytes));
}

void put_u64(struct output *out, uint64_t value, bool big_endian)
{
	uint8_t bytes[8];

	store_u64(bytes, value, big_endian);
	output_bytes(out, (const char *)bytes, sizeof(bytes));
}

void writer_align(struct trc_writer *writer, uint32_t alignment)
{
	output_fill(&writer->out, 0, -writer_position(writer) & (alignment - 1));
}

void writer_patch(struct trc_writer *writer, uint64_t offset, size_t size)
{
	if (!size)
		return;
	if (writer->patch_count == writer->patch_room) {
		struct patch *grown = array_grow(writer->patches, &writer->patch_room, 16,
						 sizeof(*writer->patches));

		if (!grown) {
			writer->patched.no_memory = true;
			return;
		}
		writer->patches = grown;
	}
	writer->patches[writer->patch_count++] = (struct patch){ offset, writer->patched.size, size };
}

void writer_patch_u32(struct trc_writer *writer, uint64_t offset, uint32_t value)
{
	writer_patch(writer, offset, sizeof(value));
	put_u32(&writer->patched, value, writer->big_endian);
}

void writer_patch_u64(struct trc_writer *writer, uint64_t offset, uint64_t value)
{
	writer_patch(writer, offset, sizeof(value));
	put_u64(&writer->patched, value, writer->big_endian);
}

void put_option_head(struct output *out, uint32_t id, uint32_t size, bool big_endian)
{
	put_u16(out, (uint16_t)id, big_endian);
	put_u32(out, size, big_endian);
}

void put_options(struct trc_writer *writer)
{
	for (size_t i = 0; i < writer->outline->option_count; i++) {
		const struct trc_option *option = &writer->outline->options[i];

		put_option_head(&writer->out, option->id, option->size, writer->big_endian);
		output_bytes(&writer->out, (const char *)option->data, option->size);
	}
}

static int check_memory(const struct trc_writer *writer, struct trc_error *err)
{
	return writer->out.no_memory || writer->patched.no_memory || writer->strings.no_memory ||
			       writer->buffer_options.no_memory ?
		       trc_fail_no_memory(err) :
		       TRC_OK;
}

/* --- a file ------------------------------------------------------------------------------------ */

static const struct layout *layout_of(const struct trc_writer *writer)
{
	return writer->format.version == 6 ? &layout_v6 : &layout_v7;
}

static int check_format(const struct trc_write_format *format, struct trc_error *err)
{
	if (format->version != 6 && format->version != 7)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: version %u (6 and 7 are known)",
				format->version);
	if (format->compression > TRC_COMPRESSION_ZSTD)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: there is no compression %u",
				format->compression);
	if (format->version == 6 && format->compression)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: version 6 has no compression");
	return TRC_OK;
}

/* Magic, version, byte order and sizes: trace-cmd.dat(5), INITIAL FORMAT. */
static void put_header(struct trc_writer *writer)
{
	const struct trc_outline_header *header = &writer->outline->header;

	output_literal(&writer->out, "\x17\x08\x44tracing");
	put_text_nul(&writer->out, writer->format.version == 6 ? "6" : "7");
	output_char(&writer->out, (char)header->big_endian);
	output_char(&writer->out, (char)header->long_size);
	put_u32(&writer->out, header->page_size, writer->big_endian);
}

static enum compression section_compression(const struct trc_writer *writer)
{
	bool packs = writer_packs(writer);

	for (uint32_t id = SECTION_FIRST_TEXT; writer->format.version == 7 && id <= SECTION_LAST_TEXT; id++) {
		struct trc_bytes section;

		if (section_always_packed(id) && !packs &&
		    !trc_outline_section(writer->outline, id, &section, NULL))
			return COMPRESSION_ZSTD;
	}
	return (enum compression)writer->format.compression;
}

int trc_writer_create(const struct trc_outline *outline, const struct trc_write_format *format,
		      struct trc_writer **out, struct trc_error *err)
{
	struct trc_writer *writer;
	int rc = check_format(format, err);

	if (rc)
		return rc;
	if (!(writer = calloc(1, sizeof(*writer))))
		return trc_fail_no_memory(err);
	writer->outline = outline;
	writer->format = *format;
	writer->big_endian = outline->header.big_endian;
	writer->buffer = SIZE_MAX;
	output_init(&writer->out);
	output_init(&writer->patched);
	output_init(&writer->strings);
	output_init(&writer->buffer_options);
	writer->buffer_offset_at = calloc(outline->buffer_count + 1, sizeof(*writer->buffer_offset_at));
	rc = writer->buffer_offset_at ?
		     packer_init(&writer->packer, section_compression(writer), format->level, err) :
		     trc_fail_no_memory(err);
	if (!rc) {
		put_header(writer);
		rc = layout_of(writer)->begin_file(writer, err);
	}
	if (!rc)
		rc = check_memory(writer, err);
	if (rc) {
		trc_writer_destroy(writer);
		return rc;
	}
	*out = writer;
	return TRC_OK;
}

void trc_writer_destroy(struct trc_writer *writer)
{
	if (!writer)
		return;
	packer_deinit(&writer->packer);
	output_deinit(&writer->out);
	output_deinit(&writer->patched);
	output_deinit(&writer->strings);
	output_deinit(&writer->buffer_options);
	free(writer->buffer_offset_at);
	free(writer->patches);
	free(writer->cpus);
	free(writer);
}

/* What was given out is gone. */
static int begin_call(struct trc_writer *writer, struct trc_error *err)
{
	if (writer->ended || writer->out.size || writer->block_size)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				writer->ended ? "writer: the file has ended" :
						"writer: there are pieces that were not taken");
	return TRC_OK;
}

/* Ends the open CPU, and buffers up to, but not including, the one that is next. */
static int go_to_buffer(struct trc_writer *writer, size_t buffer, struct trc_error *err)
{
	const struct layout *layout = layout_of(writer);
	int rc = TRC_OK;

	if (writer->in_cpu)
		layout->end_cpu(writer);
	writer->in_cpu = false;
	while (!rc && writer->buffer != buffer) {
		if (writer->buffer != SIZE_MAX)
			layout->end_buffer(writer);
		writer->cpu_count = 0;
		if (++writer->buffer < writer->outline->buffer_count)
			rc = layout->begin_buffer(writer, err);
	}
	return rc;
}

static int add_cpu(struct trc_writer *writer, uint32_t cpu, struct trc_error *err)
{
	if (writer->cpu_count == writer->cpu_room) {
		struct cpu_place *grown = array_grow(writer->cpus, &writer->cpu_room, 16,
						     sizeof(*writer->cpus));

		if (!grown)
			return trc_fail_no_memory(err);
		writer->cpus = grown;
	}
	writer->cpus[writer->cpu_count++] = (struct cpu_place){ cpu, writer_position(writer), 0 };
	return TRC_OK;
}

int trc_writer_begin(struct trc_writer *writer, size_t buffer, uint32_t cpu, struct trc_error *err)
{
	const struct trc_outline *outline = writer->outline;
	int rc = begin_call(writer, err);

	if (rc)
		return rc;
	if (buffer >= outline->buffer_count || outline->buffers[buffer].kind != TRC_BUFFER_FLYRECORD)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: buffer %zu holds no pages",
				buffer);
	if (cpu > CPU_ID_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: CPU %u is too large a number",
				cpu);
	if (writer->buffer != SIZE_MAX &&
	    (buffer < writer->buffer || (buffer == writer->buffer && writer->cpu_count &&
					 cpu <= writer->cpus[writer->cpu_count - 1].cpu)))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"writer: buffer %zu, CPU %u comes after what was written", buffer, cpu);
	if ((rc = go_to_buffer(writer, buffer, err)))
		return rc;
	writer_align(writer, outline->buffers[buffer].page_size);
	writer->chunk_count = 0;
	if ((rc = add_cpu(writer, cpu, err)) || (rc = layout_of(writer)->begin_cpu(writer, cpu, err)))
		return rc;
	writer->in_cpu = true;
	return check_memory(writer, err);
}

int trc_writer_put(struct trc_writer *writer, const struct trc_block *block, struct trc_error *err)
{
	bool packs = block_packs(block);
	int rc = begin_call(writer, err);

	if (rc)
		return rc;
	if (!writer->in_cpu || packs != writer_packs(writer) ||
	    block->page_size != writer->outline->buffers[writer->buffer].page_size)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"writer: these pages are not of the CPU that was begun");
	if (packs && block->size && !block->chunk_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "writer: the block is not packed yet");
	if (block->chunk_count > UINT32_MAX - writer->chunk_count)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET, "writer: too many chunks for a CPU");
	writer->block = packs ? (const uint8_t *)block->packed.data : block->pages;
	writer->block_size = packs ? block->packed.size : block->size;
	writer->chunk_count += block->chunk_count;
	return TRC_OK;
}

int trc_writer_end(struct trc_writer *writer, struct trc_error *err)
{
	int rc = begin_call(writer, err);

	if (!rc)
		rc = go_to_buffer(writer, writer->outline->buffer_count, err);
	if (!rc)
		rc = layout_of(writer)->end_file(writer, err);
	if (!rc)
		rc = check_memory(writer, err);
	writer->ended = !rc;
	return rc;
}

void trc_writer_next_piece(struct trc_writer *writer, struct trc_piece *piece)
{
	*piece = (struct trc_piece){ .offset = writer->out_at };
	if (writer->out.size) {
		piece->data = (const uint8_t *)writer->out.data;
		piece->size = writer->out.size;
		writer->out_at += piece->size;
		writer->out.size = 0;
	} else if (writer->block_size) {
		piece->data = writer->block;
		piece->size = writer->block_size;
		writer->out_at += piece->size;
		writer->block_size = 0;
	} else if (writer->ended && writer->patches_given < writer->patch_count) {
		const struct patch *patch = &writer->patches[writer->patches_given++];

		*piece = (struct trc_piece){ patch->offset, patch->size,
					     (const uint8_t *)writer->patched.data + patch->start };
	}
}
