/* SPDX-License-Identifier: MIT */
/* Records as the packets of a trace for Perfetto. */
#ifndef TRC_PERFETTO_API_H
#define TRC_PERFETTO_API_H

#include "analysis/api.h"

/* [cdef begin] */

/*
 * Packets of perfetto.dev's perfetto_trace.proto, those of records: bundles of a CPU's events, the names
 * and descriptors that these refer to, and slices of what vCPUs did. What a machine is (SystemInfo and the
 * like) is for the caller to say. An object belongs to one thread at a time; what it was made of must
 * outlive it.
 *
 * An event that the schema has is written as its message, with those of its fields that the schema has; all
 * others as generic events with a descriptor. Of events that several buffers of a machine recorded those of
 * one buffer are so, in others they are generic: nothing is drawn twice. Texts that are
 * not UTF-8 have U+FFFD.
 */
struct trc_perfetto;
struct trc_perfetto_machine {
	const struct trc_metadata *metadata;
	const struct trc_symbols *symbols; /* NULL: functions stay addresses */
	uint32_t machine_id;		   /* 0: the host, or the only one */
	uint32_t sequence_id;		   /* trusted_packet_sequence_id; its packets keep state there */
	/* By event id, as far as there are any: the buffer whose records are typed. NULL: the first to have one. */
	const uint32_t *buffers;
	size_t buffers_count;
};
struct trc_perfetto_source { /* what a source of the walk is */
	uint32_t machine;    /* index among the machines */
	uint32_t buffer;     /* trc_buffer() */
	uint32_t cpu;
	const char *instance; /* name of the buffer, ends in NUL; "": the top one; is copied */
};
int trc_perfetto_create(const struct trc_perfetto_machine *machines, size_t machine_count,
			const struct trc_perfetto_source *sources, size_t source_count,
			struct trc_perfetto **out, struct trc_error *err);
void trc_perfetto_destroy(struct trc_perfetto *perfetto); /* NULL is fine */

/*
 * Packets of the walk's next records, about enough bytes; size 0: there are no more. TRC_GO_ON: none so far.
 * They are valid until the next call. The walk's sources are those that the object was made for.
 * TRC_LIMIT: a record has a time or a CPU that Perfetto does not hold; err->source: whose.
 */
int trc_perfetto_next(struct trc_perfetto *perfetto, struct trc_walk *walk, size_t enough,
		      const uint8_t **packets, size_t *size, struct trc_error *err);
/* Records so far, and the time of the first of them, in ns; 0: there was none. */
uint64_t trc_perfetto_records(const struct trc_perfetto *perfetto, uint64_t *first_ts);
/*
 * How often a record of a machine, by its index, was of an earlier time than the one before it in its stream:
 * Perfetto sorts by time, so that these are drawn in another order than they were made in.
 */
uint64_t trc_perfetto_steps_back(const struct trc_perfetto *perfetto, size_t machine);

/*
 * Slices of the rows of trc_vcpus_create(), made with TRC_VCPU_RAW_VALUES and TRC_ANALYSIS_NO_DICTIONARY,
 * as packets of a sequence; otherwise as trc_perfetto_next(). tracks[i]: the track that the slices of
 * vCPU number i of guest guests[i] (ends in NUL) are on; rows of others are left out.
 */
struct trc_perfetto_track {
	const char *guest; /* ends in NUL */
	int32_t vcpu;
	uint64_t track; /* TrackDescriptor.uuid */
};
int trc_perfetto_slices(struct trc_perfetto *perfetto, struct trc_analysis *analysis,
			const struct trc_perfetto_track *tracks, size_t track_count, uint32_t sequence_id,
			const uint8_t **packets, size_t *size, struct trc_error *err);

/*
 * Event number index of the schema, "NAME=NUMBER FIELD=NUMBERTYPE ...", sorted by name: number in
 * FtraceEvent, numbers in its message. Types: i int32, I int64, u uint32, U uint64, s string, and * where
 * there may be several. NULL: there are not that many.
 */
const char *trc_perfetto_event(size_t index);

/* [cdef end] */

#endif
