/* SPDX-License-Identifier: MIT */
/*
 * unpack FILE ROUNDS THREADS: zlib or libzstd unpack all chunks of a compressed recording, and what
 * comes out is thrown away: one context and one buffer a thread, chunk after chunk, as few calls as
 * can be. What a reader of compressed recordings spends at the very least. Opening is not part of
 * the time; the file's pages are mapped before the first round.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <zlib.h>
#include <zstd.h>

#include "records/data.h"
#include "file/file.h"

#include "../measure.h"

#define SLICE_CHUNKS 400
#define THREADS_MAX 64

struct job {
	const struct trc_data *data;
	atomic_size_t *next_slice;
	pthread_t thread;
	ZSTD_DCtx *zstd;
	z_stream *zlib;
	uint8_t *buffer;
	size_t room;
};

static void unpack_chunk(struct job *job, const struct chunk *chunk)
{
	const uint8_t *packed = job->data->file->image.map.base + chunk->offset;

	if (job->room < chunk->plain) {
		free(job->buffer);
		job->buffer = malloc(chunk->plain);
		job->room = chunk->plain;
	}
	if (!job->buffer)
		fail("malloc", "no memory");
	if (job->zstd) {
		if (ZSTD_decompressDCtx(job->zstd, job->buffer, chunk->plain, packed, chunk->stored) !=
		    chunk->plain)
			fail("libzstd", "cannot unpack a chunk");
	} else {
		inflateReset(job->zlib);
		job->zlib->next_in = (Bytef *)(uintptr_t)packed;
		job->zlib->avail_in = chunk->stored;
		job->zlib->next_out = job->buffer;
		job->zlib->avail_out = chunk->plain;
		if (inflate(job->zlib, Z_FINISH) != Z_STREAM_END)
			fail("zlib", "cannot unpack a chunk");
	}
}

/* False: there are fewer slices. */
static bool unpack_slice(struct job *job, size_t slice)
{
	for (size_t i = 0; i < job->data->stream_count; i++) {
		const struct stream *stream = &job->data->streams[i];
		size_t slices = (stream->chunk_count + SLICE_CHUNKS - 1) / SLICE_CHUNKS;

		if (slice < slices) {
			size_t end = (slice + 1) * SLICE_CHUNKS;

			for (size_t c = slice * SLICE_CHUNKS; c < end && c < stream->chunk_count; c++)
				unpack_chunk(job, &stream->chunks[c]);
			return true;
		}
		slice -= slices;
	}
	return false;
}

static void *unpack_all(void *argument)
{
	struct job *job = argument;

	if (job->data->file->image.compression == COMPRESSION_ZSTD)
		job->zstd = ZSTD_createDCtx();
	else
		job->zlib = calloc(1, sizeof(*job->zlib));
	if (!job->zstd && (!job->zlib || inflateInit(job->zlib) != Z_OK))
		fail("unpack", "no memory");
	while (unpack_slice(job, atomic_fetch_add(job->next_slice, 1)))
		;
	ZSTD_freeDCtx(job->zstd);
	if (job->zlib)
		inflateEnd(job->zlib);
	free(job->zlib);
	free(job->buffer);
	return NULL;
}

static void run(const struct trc_data *data, size_t threads)
{
	struct job jobs[THREADS_MAX];
	atomic_size_t next_slice = 0;

	for (size_t i = 0; i < threads; i++)
		jobs[i] = (struct job){ .data = data, .next_slice = &next_slice };
	for (size_t i = 1; i < threads; i++)
		if (pthread_create(&jobs[i].thread, NULL, unpack_all, &jobs[i]))
			fail("pthread_create", "failed");
	unpack_all(&jobs[0]);
	for (size_t i = 1; i < threads; i++)
		pthread_join(jobs[i].thread, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail(argv[0], "FILE ROUNDS THREADS");
	long rounds = strtol(argv[2], NULL, 10);
	size_t threads = strtoul(argv[3], NULL, 10);
	struct trc_metadata *metadata;
	struct trc_file *file;
	struct trc_data *data;
	struct trc_error err;

	if (!threads || threads > THREADS_MAX)
		fail(argv[3], "between 1 and 64 threads");
	print_memory_before();
	if (trc_open(argv[1], NULL, &file, &err) || trc_metadata_create(file, &metadata, &err) ||
	    trc_data_create(file, metadata, NULL, &data, &err))
		fail(argv[1], err.message);
	if (file->image.compression == COMPRESSION_NONE)
		fail(argv[1], "is not compressed");
	for (long i = -1; i < rounds; i++) {
		uint64_t start = now_ns(), cpu_start = cpu_now_ns();

		run(data, threads);
		if (i >= 0) {
			print_round(start, now_ns());
			print_cpu(cpu_start, cpu_now_ns());
		}
	}
	print_memory_after();
	trc_data_destroy(data);
	trc_metadata_destroy(metadata);
	trc_close(file);
	return 0;
}
