/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing traces for Perfetto: the packets of any bytes taken for a trace.dat file, asked for in large pieces
 * and in small ones, which have to be the same, and messages all the way down. README.md says how to build and
 * run it.
 *
 * mmap() and its like are replaced at link time (--wrap) as exact_mapping.h says.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exact_mapping.h"
#include "tracecmd.h"

#define STREAMS_MAX 16
#define PACKETS_MAX (4 << 20) /* bytes of a trace: what is beyond it is left out */

struct packets {
	uint8_t *bytes;
	size_t size;
	bool whole; /* to the last record */
};

/* --- messages ------------------------------------------------------------------------------- */

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; *at < end && shift < 70; shift += 7) {
		uint8_t byte = *(*at)++;

		*value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Fields follow each other to the very end. inner: numbers of those that are messages again, up to 0. */
static void check_message(const uint8_t *at, const uint8_t *end, const uint32_t *inner)
{
	uint64_t tag, value;

	while (at < end) {
		require(read_varint(&at, end, &tag) && tag >> 3, "a field has a number");
		require((tag & 7) == 0 || (tag & 7) == 2, "fields are integers or bytes");
		require(read_varint(&at, end, &value), "a field has a value or a length");
		if ((tag & 7) == 0)
			continue;
		require(value <= (uint64_t)(end - at), "a field ends inside its message");
		if (inner && *inner == tag >> 3)
			check_message(at, at + value, inner[1] ? inner + 1 : NULL);
		at += value;
	}
}

/* --- packets -------------------------------------------------------------------------------- */

static void add(struct packets *packets, const uint8_t *piece, size_t size)
{
	/* A packet, its bundle, an event of it. */
	static const uint32_t events[] = { 1, 1, 2, 0 };

	check_message(piece, piece + size, events);
	packets->bytes = realloc(packets->bytes, packets->size + size + 1);
	require(packets->bytes != NULL, "there is memory for packets");
	memcpy(packets->bytes + packets->size, piece, size);
	packets->size += size;
}

static struct packets write_packets(const struct trc_perfetto_machine *machine,
				    const struct trc_perfetto_source *sources,
				    const struct trc_walk_source *walked, size_t count, size_t enough)
{
	struct trc_walk_options all = { .until_last = 1 };
	struct trc_perfetto *perfetto = NULL;
	struct packets packets = { 0 };
	struct trc_walk *walk = NULL;
	struct trc_error err;
	const uint8_t *piece;
	size_t size = 1;

	if (ok(trc_perfetto_create(machine, 1, sources, count, &perfetto, &err), &err) &&
	    ok(trc_walk_create(walked, count, &all, &walk, &err), &err)) {
		while (size && packets.size < PACKETS_MAX) {
			int rc = trc_perfetto_next(perfetto, walk, enough, &piece, &size, &err);

			if (rc == TRC_GO_ON)
				continue;
			if (!ok(rc, &err))
				break;
			add(&packets, piece, size);
			packets.whole = !size;
		}
	}
	trc_walk_destroy(walk);
	trc_perfetto_destroy(perfetto);
	return packets;
}

/* --- recordings ----------------------------------------------------------------------------- */

static void use_data(const struct trc_perfetto_machine *machine, const struct trc_data *data)
{
	struct trc_perfetto_source sources[STREAMS_MAX];
	struct trc_walk_source walked[STREAMS_MAX] = { 0 };
	struct packets large, small;
	struct trc_stream stream;
	size_t count = 0;

	for (; count < STREAMS_MAX && !trc_stream(data, count, &stream, NULL); count++) {
		walked[count] = (struct trc_walk_source){ .data = data, .stream = count };
		sources[count] = (struct trc_perfetto_source){ 0, stream.buffer, stream.cpu,
							       stream.buffer ? "b" : "" };
	}
	large = write_packets(machine, sources, walked, count, 1 << 16);
	small = write_packets(machine, sources, walked, count, 1);
	if (large.whole && small.whole)
		require(large.size == small.size &&
			(!large.size || !memcmp(large.bytes, small.bytes, large.size)),
			"small pieces are those of large ones");
	free(large.bytes);
	free(small.bytes);
}

static void use_file(struct trc_file *file, struct trc_metadata *metadata)
{
	struct trc_perfetto_machine machine = { .metadata = metadata, .sequence_id = 1 };
	struct trc_symbols *symbols = NULL;
	struct trc_data *data;
	struct trc_error err;

	if (!ok(trc_data_create(file, metadata, NULL, &data, &err), &err))
		return;
	use_data(&machine, data);
	if (ok(trc_symbols_create(file, &symbols, &err), &err)) {
		machine.symbols = symbols;
		machine.machine_id = 5;
		use_data(&machine, data);
		trc_symbols_destroy(symbols);
	}
	trc_data_destroy(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct trc_metadata *metadata;
	struct trc_file *file;
	struct trc_error err;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "an input can be written");
	if (ok(trc_open_fd(fd, NULL, &file, &err), &err)) {
		if (ok(trc_metadata_create(file, &metadata, &err), &err)) {
			use_file(file, metadata);
			trc_metadata_destroy(metadata);
		}
		trc_close(file);
	}
	close(fd);
	return 0;
}

#include "main.h"
