/* SPDX-License-Identifier: MIT */
/* Writing trace.dat files: what a file is apart from its records, pages cut out of others, and the layout. */
#ifndef TRC_WRITE_API_H
#define TRC_WRITE_API_H

#include "file/api.h"
#include "records/api.h"

/* [cdef begin] */

/*
 * What a file is apart from its records: header, options, sections, buffers. Options that only say where
 * something lies (BUFFER, CPUCOUNT, those of sections) are not part of it, as the writer makes them.
 */
struct trc_outline;

struct trc_outline_header {
	uint32_t big_endian; /* 0 or 1 */
	uint32_t long_size;  /* 4 or 8 */
	uint32_t page_size;  /* sub-buffer size of the top buffer, bytes */
	uint32_t cpu_count;  /* of the recording machine; 0: not known */
};
/* TRC_ARGUMENT: no file has such a header. */
int trc_outline_create(const struct trc_outline_header *header, struct trc_outline **out,
		       struct trc_error *err);

/*
 * That of a file. Sections and texts that cannot be read are left out, and are problems. What it takes is
 * bounded as reading them is.
 */
int trc_outline_of_file(const struct trc_file *file, struct trc_outline **out, struct trc_error *err);
void trc_outline_destroy(struct trc_outline *outline); /* NULL is fine */
void trc_outline_header(const struct trc_outline *outline, struct trc_outline_header *out);
size_t trc_outline_problem_count(const struct trc_outline *outline);
int trc_outline_problem(const struct trc_outline *outline, size_t index, struct trc_error *problem);

/* Options by their place; data as trc_option() has it. TRC_NOT_FOUND: there are not that many. */
size_t trc_outline_option_count(const struct trc_outline *outline);
int trc_outline_option(const struct trc_outline *outline, size_t index, struct trc_option *option,
		       struct trc_error *err);
/* Adds one after the others; the payload is copied. TRC_ARGUMENT: the writer makes those of this id. */
int trc_outline_add_option(struct trc_outline *outline, uint32_t id, const uint8_t *data, uint32_t size,
			   struct trc_error *err);
/* Drops the option at a place: those after it move up. */
int trc_outline_drop_option(struct trc_outline *outline, size_t index, struct trc_error *err);

/* Sections, plain; a section that is set again is another. TRC_NOT_FOUND: there is none. */
int trc_outline_section(const struct trc_outline *outline, uint32_t id, struct trc_bytes *out,
			struct trc_error *err);
int trc_outline_set_section(struct trc_outline *outline, uint32_t id, const uint8_t *data, uint64_t size,
			    struct trc_error *err);
int trc_outline_drop_section(struct trc_outline *outline, uint32_t id, struct trc_error *err);

/* Buffers in the order of the file; the top one, if there is any, has the name "". Texts end in NUL. */
struct trc_outline_buffer {
	const char *name;
	const char *clock;   /* without brackets; "": not known */
	uint32_t page_size;  /* sub-buffer size, bytes */
	uint32_t cpu_count;  /* where an instance has more CPUs than the file says */
	uint32_t kind;	     /* enum trc_buffer_kind */
	const uint8_t *text; /* of TRC_BUFFER_TEXT */
	uint64_t text_size;
};
size_t trc_outline_buffer_count(const struct trc_outline *outline);
int trc_outline_buffer(const struct trc_outline *outline, size_t index, struct trc_outline_buffer *out,
		       struct trc_error *err);
/* All is copied. */
int trc_outline_add_buffer(struct trc_outline *outline, const struct trc_outline_buffer *buffer,
			   struct trc_error *err);
int trc_outline_drop_buffers(struct trc_outline *outline);

/* How a file is laid out. */
enum trc_compression {
	TRC_COMPRESSION_NONE = 0,
	TRC_COMPRESSION_ZLIB = 1,
	TRC_COMPRESSION_ZSTD = 2,
};
struct trc_write_format {
	uint32_t version;     /* 6 or 7 */
	uint32_t compression; /* enum trc_compression; version 6 has none */
	int32_t level;	      /* of the compression; 0: the library's own */
};

/*
 * Blocks: whole pages on their way from where they are to where they go. trc_block_pack() compresses them
 * if the format says so; it may run on any thread, one block on one thread.
 */
struct trc_block;
int trc_block_create(const struct trc_outline *outline, const struct trc_write_format *format,
		     struct trc_block **out, struct trc_error *err);
void trc_block_destroy(struct trc_block *block); /* NULL is fine */
/* Bytes of plain pages in it; 0: it is empty. */
uint64_t trc_block_size(const struct trc_block *block);
/* Pages from elsewhere, which stay the caller's and must live until the block is put. */
int trc_block_set(struct trc_block *block, uint32_t page_size, const uint8_t *pages, uint64_t size,
		  struct trc_error *err);
int trc_block_pack(struct trc_block *block, struct trc_error *err);

/*
 * The pages of one stream that hold what a walk through it gives: those that it gives as a whole are as
 * they were, the others are made anew, with the same records, times and losses, and none between.
 */
struct trc_cut;
int trc_cut_create(const struct trc_walk_source *source, const struct trc_walk_options *options,
		   struct trc_cut **out, struct trc_error *err);
void trc_cut_destroy(struct trc_cut *cut); /* NULL is fine */
/*
 * The next pages; an empty block: there are no more. TRC_GO_ON: the block is not full yet, and the next call
 * must be for the same one. What is in the block is good until it is filled again.
 */
int trc_cut_next(struct trc_cut *cut, struct trc_block *block, struct trc_error *err);
/*
 * So many records may come from now on: then there are no more pages, until this is called again and they go
 * on with the next one. UINT64_MAX: all that are left. To be called between files, not while one is made.
 */
void trc_cut_limit(struct trc_cut *cut, uint64_t records);
/* Records that were written so far. */
uint64_t trc_cut_records(const struct trc_cut *cut);
/* For trc_walk_problem(), trc_walk_progress() and trc_walk_missed(). */
const struct trc_walk *trc_cut_walk(const struct trc_cut *cut);

/*
 * Lays a file out, and gives it to its caller in pieces, to be written each at its offset. All have
 * to be taken after each call: those are good until the next one. What is not written between pieces is 0.
 */
struct trc_writer;
struct trc_piece {
	uint64_t offset, size;
	const uint8_t *data;
};
/*
 * The outline must outlive the writer, and not change. TRC_UNSUPPORTED: the version cannot hold it (text
 * of several buffers, a page in compressed form ...).
 */
int trc_writer_create(const struct trc_outline *outline, const struct trc_write_format *format,
		      struct trc_writer **out, struct trc_error *err);
void trc_writer_destroy(struct trc_writer *writer); /* NULL is fine */
/* The pages that come now are of this CPU. Buffers, and CPUs of each, come in rising order, once. */
int trc_writer_begin(struct trc_writer *writer, size_t buffer, uint32_t cpu, struct trc_error *err);
/* More pages of that CPU: of a block that was packed. */
int trc_writer_put(struct trc_writer *writer, const struct trc_block *block, struct trc_error *err);
/* Nothing more comes. With the pieces of this call the file is whole. */
int trc_writer_end(struct trc_writer *writer, struct trc_error *err);
/* The next piece; size 0: there are no more for now. */
void trc_writer_next_piece(struct trc_writer *writer, struct trc_piece *piece);

/* [cdef end] */

#endif
