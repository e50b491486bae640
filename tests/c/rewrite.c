/* SPDX-License-Identifier: MIT */
/*
 * rewrite IN OUT VERSION COMPRESSION [START END]: writes a file anew, whole or a window of time in ns, by one
 * thread and nothing but the core, so that it runs on any machine. COMPRESSION: 0 none, 1 zlib, 2 zstd.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracecmd.h"

static struct trc_error err;

static void check(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "%s\n", err.message);
	exit(1);
}

static void take_pieces(struct trc_writer *writer, FILE *out)
{
	struct trc_piece piece;

	for (trc_writer_next_piece(writer, &piece); piece.size; trc_writer_next_piece(writer, &piece)) {
		if (fseek(out, (long)piece.offset, SEEK_SET) || fwrite(piece.data, piece.size, 1, out) != 1) {
			perror("write");
			exit(1);
		}
	}
}

static uint64_t write_stream(struct trc_writer *writer, struct trc_block *block, FILE *out,
			     const struct trc_walk_source *source, const struct trc_walk_options *options,
			     const struct trc_stream *stream)
{
	struct trc_cut *cut;
	uint64_t records;
	int begun = 0, rc;

	check(trc_cut_create(source, options, &cut, &err));
	while ((rc = trc_cut_next(cut, block, &err)) == TRC_GO_ON || (!rc && trc_block_size(block))) {
		if (rc == TRC_GO_ON)
			continue;
		if (!begun++) {
			check(trc_writer_begin(writer, stream->buffer, stream->cpu, &err));
			take_pieces(writer, out);
		}
		check(trc_block_pack(block, &err));
		check(trc_writer_put(writer, block, &err));
		take_pieces(writer, out);
	}
	check(rc);
	records = trc_cut_records(cut);
	trc_cut_destroy(cut);
	return records;
}

static uint64_t write_file(const struct trc_file *file, const struct trc_data *data, FILE *out,
			   const struct trc_write_format *format, const struct trc_walk_options *options)
{
	struct trc_outline *outline;
	struct trc_writer *writer;
	struct trc_block *block;
	uint64_t records = 0;

	check(trc_outline_of_file(file, &outline, &err));
	check(trc_block_create(outline, format, &block, &err));
	check(trc_writer_create(outline, format, &writer, &err));
	take_pieces(writer, out);
	for (size_t i = 0; i < trc_stream_count(data); i++) {
		struct trc_walk_source source = { .data = data, .stream = i };
		struct trc_stream stream;

		check(trc_stream(data, i, &stream, &err));
		records += write_stream(writer, block, out, &source, options, &stream);
	}
	check(trc_writer_end(writer, &err));
	take_pieces(writer, out);
	trc_writer_destroy(writer);
	trc_block_destroy(block);
	trc_outline_destroy(outline);
	return records;
}

int main(int argc, char **argv)
{
	struct trc_walk_options options = { .until_last = 1 };
	struct trc_metadata *metadata;
	struct trc_write_format format;
	struct trc_file *file;
	struct trc_data *data;
	FILE *out;

	if (argc != 5 && argc != 7)
		return 2;
	format = (struct trc_write_format){ .version = (uint32_t)atoi(argv[3]),
					    .compression = (uint32_t)atoi(argv[4]) };
	if (argc == 7)
		options = (struct trc_walk_options){ .start = strtoull(argv[5], NULL, 10),
						     .end = strtoull(argv[6], NULL, 10) };
	check(trc_open(argv[1], NULL, &file, &err));
	check(trc_metadata_create(file, &metadata, &err));
	check(trc_data_create(file, metadata, NULL, &data, &err));
	if (!(out = fopen(argv[2], "w+b"))) {
		perror(argv[2]);
		return 1;
	}
	printf("%" PRIu64 "\n", write_file(file, data, out, &format, &options));
	if (fclose(out)) {
		perror(argv[2]);
		return 1;
	}
	trc_data_destroy(data);
	trc_metadata_destroy(metadata);
	trc_close(file);
	return 0;
}
