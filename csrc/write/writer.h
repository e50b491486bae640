/* SPDX-License-Identifier: MIT */
/* A file on its way out, in either version: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5). */
#ifndef TRC_WRITE_WRITER_H
#define TRC_WRITE_WRITER_H

#include "base/output.h"
#include "compress/pack.h"
#include "write/api.h"
#include "write/outline.h"

/* Bytes that are only known once more was written: the file's [offset, offset + size). */
struct patch {
	uint64_t offset;
	size_t start, size; /* in the writer's patched bytes */
};

struct cpu_place {
	uint32_t cpu;
	uint64_t offset, size;
};

struct trc_writer {
	const struct trc_outline *outline;
	struct trc_write_format format;
	struct packer packer; /* of sections: what the file's header names */
	bool big_endian;

	/* What goes out next, where the file has come to; then a block's bytes, and at the end patches. */
	struct output out;
	uint64_t out_at;
	const uint8_t *block;
	uint64_t block_size;
	struct output patched;
	struct patch *patches;
	size_t patch_count, patch_room, patches_given;

	/* The buffer that is being written; SIZE_MAX: none yet. */
	size_t buffer;
	struct cpu_place *cpus;
	size_t cpu_count, cpu_room;
	bool in_cpu, ended;
	uint32_t chunk_count; /* of the CPU */

	/* Version 7. */
	uint64_t section;	      /* where the open section's header is */
	uint32_t section_description; /* the next one's, into strings */
	struct output strings;
	struct output buffer_options; /* of the buffers so far */
	uint64_t options_offset_at;   /* in the file's header */

	/* Version 6. */
	uint64_t *buffer_offset_at; /* of each buffer: in its option */
	uint64_t table;		    /* where the open buffer's table is */
	uint32_t table_rows;
};

static inline bool writer_packs(const struct trc_writer *writer)
{
	return writer->format.compression != TRC_COMPRESSION_NONE;
}

/*
 * trace-cmd 3.4 cannot read these two where they are not compressed, and then shows no record. So a file of plain
 * pages that has them is called one of zstd, which is asked for section by section.
 */
static inline bool section_always_packed(uint32_t id)
{
	return id == TRC_OPTION_BTF_FILE || id == TRC_OPTION_MODULES_FILE;
}

/* Where the next byte goes. */
static inline uint64_t writer_position(const struct trc_writer *writer)
{
	return writer->out_at + writer->out.size + writer->block_size;
}

/* Numbers in the file's byte order; running out of memory is noted in the output. */
void put_u16(struct output *out, uint16_t value, bool big_endian);
void put_u32(struct output *out, uint32_t value, bool big_endian);
void put_u64(struct output *out, uint64_t value, bool big_endian);

static inline void put_text_nul(struct output *out, const char *text)
{
	output_bytes(out, text, strlen(text) + 1);
}

/* Fills up to a multiple of alignment, a power of two. */
void writer_align(struct trc_writer *writer, uint32_t alignment);

/* Numbers at a place that was written before. */
void writer_patch_u32(struct trc_writer *writer, uint64_t offset, uint32_t value);
void writer_patch_u64(struct trc_writer *writer, uint64_t offset, uint64_t value);
/* The same for bytes that the caller then puts to writer->patched. */
void writer_patch(struct trc_writer *writer, uint64_t offset, size_t size);

/* An option's id and size, which its payload follows. */
void put_option_head(struct output *out, uint32_t id, uint32_t size, bool big_endian);
/* All options of the outline. */
void put_options(struct trc_writer *writer);

/*
 * Version 6: a section's texts, which nothing but their own lengths keeps from what comes after. Of those that are
 * damaged all that is whole; of those that are missing that there are none.
 */
void put_texts_v6(struct output *out, const struct trc_outline *outline, uint32_t id);

/* A layout: what each version does at each step. Buffers come one after the other, whether they have data or not. */
struct layout {
	int (*begin_file)(struct trc_writer *writer, struct trc_error *err);
	int (*begin_buffer)(struct trc_writer *writer, struct trc_error *err);
	int (*begin_cpu)(struct trc_writer *writer, uint32_t cpu, struct trc_error *err);
	void (*end_cpu)(struct trc_writer *writer);
	void (*end_buffer)(struct trc_writer *writer);
	int (*end_file)(struct trc_writer *writer, struct trc_error *err);
};
extern const struct layout layout_v6, layout_v7;

#endif
