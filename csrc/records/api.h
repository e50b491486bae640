/* SPDX-License-Identifier: MIT */
/* Trace data: streams, counts, and walks through many streams in the order of time. */
#ifndef TRC_RECORDS_API_H
#define TRC_RECORDS_API_H

#include "filter/api.h"

/* [cdef begin] */

/*
 * Records. A struct trc_data is the trace data of a file made ready: where each CPU's sub-buffers
 * are and how its time stamps become nanoseconds. Like the file it never changes, and any number
 * of threads may read through it; file and metadata must outlive it.
 *
 * Its streams are the CPUs with data of all buffers, in the order of the merge: by buffer (the top
 * one first), then by CPU.
 */
struct trc_data;

/* How time stamps are made; all 0 is what trace-cmd report does without options. */
enum trc_clock_flags {
	TRC_CLOCK_RAW = 1,     /* as in the ring buffer, unchanged */
	TRC_CLOCK_NO_SYNC = 2, /* without TIME_SHIFT */
	TRC_CLOCK_NO_DATE = 4, /* without DATE */
};
struct trc_clock_options {
	uint32_t flags;
	uint64_t ts2secs_hz; /* not 0: ticks a second, instead of TSC2NSEC */
	int64_t offset;	     /* ns, added to every time stamp */
};

/* clock may be NULL. Fails if the layout of a sub-buffer is not known; see trc_data_problem(). */
int trc_data_create(const struct trc_file *file, const struct trc_metadata *metadata,
		    const struct trc_clock_options *clock, struct trc_data **out, struct trc_error *err);
void trc_data_destroy(struct trc_data *data); /* NULL is fine */

/* What is missing or damaged in the data areas, as far as their outline tells. */
size_t trc_data_problem_count(const struct trc_data *data);
int trc_data_problem(const struct trc_data *data, size_t index, struct trc_error *problem);

struct trc_stream {
	uint32_t buffer; /* trc_buffer() */
	uint32_t cpu;
	uint64_t page_count;
	uint32_t page_size; /* bytes */
	uint32_t salvaged;  /* 1: no table of the file names it */
};
size_t trc_stream_count(const struct trc_data *data);
int trc_stream(const struct trc_data *data, size_t index, struct trc_stream *out, struct trc_error *err);

/*
 * Time of a page's start in ns: no record in it is earlier (damaged or empty pages: of the next).
 * TRC_NOT_FOUND: there is none, or, where many pages are empty, none near.
 */
int trc_stream_page_ts(const struct trc_data *data, size_t stream, uint64_t page, uint64_t *ts,
		       struct trc_error *err);

/*
 * The stream and its page that a byte of the file lies in. TRC_NOT_FOUND: none, or one whose pages are
 * compressed, so that its records lie nowhere in the file.
 */
int trc_stream_find_offset(const struct trc_data *data, uint64_t offset, size_t *stream, uint64_t *page,
			   struct trc_error *err);

/* Does a later raw time stamp of this stream always give a later time? Not 0: it does. */
int trc_stream_is_monotone(const struct trc_data *data, size_t stream);

/*
 * Counting: how many records of each event id pages [first, first + count) of a stream hold.
 * counts has TRC_COUNT_IDS entries and is added to; the last one is for records too short to have
 * an id. Damaged pages are passed over, and counted in the result. How long that takes is for the caller to
 * choose: TRC_GO_ON is not used here.
 */
enum trc_count_limits {
	TRC_COUNT_IDS = 65537,
};
struct trc_count {
	uint64_t records;
	uint64_t missed_events;	    /* sum of the numbers that are known */
	uint64_t missed_unknown;    /* losses of unknown number */
	uint64_t first_ts, last_ts; /* ns; of the first and the last record, if there are any */
	uint64_t damaged_pages;
	struct trc_error damage; /* the first of them, if there is one */
};
int trc_count(const struct trc_data *data, size_t stream, uint64_t first, uint64_t count, uint64_t *counts,
	      struct trc_count *result, struct trc_error *err);

/* Gives the memory of pages that are mapped and were read back to the system; they come in again when needed. */
int trc_stream_release(const struct trc_data *data, size_t stream, uint64_t first, uint64_t count,
		       struct trc_error *err);

/*
 * Walking: records of some streams, of one file or of several, in time order (as libtracecmd merges
 * them: at each step the stream whose next record is earliest goes first, of equal ones the one that
 * comes first among the sources), in batches.
 */
struct trc_walk;
enum trc_walk_flags {
	TRC_WALK_BACKWARDS = 1,	  /* last record first */
	TRC_WALK_BY_CPU = 2,	  /* source after source, no merge */
	TRC_WALK_KEEP_MAPPED = 4, /* leave the pages of the file mapped that were read */
	TRC_WALK_GAPS = 8,	  /* a loss that began before end counts, wherever it ended; so does damage */
};
enum trc_walk_limits {
	TRC_EVENT_ID_BYTES = 8192, /* a bit for each id that a record can have */
};
struct trc_walk_source {
	const struct trc_data *data;
	size_t stream;		  /* trc_stream() */
	const uint8_t *event_ids; /* TRC_EVENT_ID_BYTES, bit id set: wanted; NULL: all */
	const int32_t *pids;	  /* rising; NULL: all */
	size_t pid_count;
	/* Of the source's file. A record is wanted if one of them lets it through, or there is none... */
	const struct trc_filter *const *filters;
	size_t filter_count;
	/* ...and it is let through by none of these. */
	const struct trc_filter *const *filters_out;
	size_t filter_out_count;
	/*
	 * Not 0: the event of kernel stacks. After a record that filters let through, the first stack on
	 * its CPU that they do not is wanted with it, unless filters_out let it through: as trace-cmd
	 * report has it. Forwards only.
	 */
	uint32_t stack_id;
};
struct trc_walk_options {
	uint32_t flags;
	uint32_t until_last; /* not 0: to the very end, whatever end says */
	uint64_t start, end; /* ns: start <= ts < end */
};

/* What the sources point to must outlive the walk. */
int trc_walk_create(const struct trc_walk_source *sources, size_t count,
		    const struct trc_walk_options *options, struct trc_walk **out, struct trc_error *err);
void trc_walk_destroy(struct trc_walk *walk); /* NULL is fine */

/*
 * The caller's arrays, room records long; of the last six those that are NULL are not wanted. Payloads are copied
 * one after the other into payload; payload_end[i] is where that of record i ends.
 */
struct trc_batch {
	size_t room, payload_room;
	uint64_t *ts;		/* ns */
	uint32_t *source;	/* place among the walk's sources */
	uint32_t *id;		/* event id: common_type; UINT32_MAX: too short to have one */
	int32_t *pid;		/* common_pid */
	int64_t *missed_events; /* lost before this record; -1: an unknown number */
	uint32_t *size;		/* of the payload */
	uint64_t *payload_end;
	uint8_t *payload;
	const uint8_t **address;    /* or NULL; where payloads lie themselves, until the next call */
	uint64_t *offset;	    /* or NULL; of payloads in the file, TRC_NO_OFFSET: they are compressed */
	size_t count, payload_size; /* results */
};

/*
 * The next records, at most room, and fewer where it takes long to find them; count 0: there are no more.
 * TRC_GO_ON: none so far. A walk belongs to one thread at a time. TRC_ARGUMENT: payload_room is too small for a single record; payload_size says what it needs.
 */
int trc_walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err);

/*
 * Counts what is left of a walk instead of giving it out: into counts by event id, as trc_count() does,
 * and added to *sum, of which losses and damage stay as they are. TRC_GO_ON: it is not done yet.
 */
int trc_walk_count(struct trc_walk *walk, uint64_t *counts, struct trc_count *sum, struct trc_error *err);

/*
 * At the end of a walk forwards: events that a source lost after its last record that was wanted
 * (-1: an unknown number). Whoever reads on from there in another walk has to add them.
 */
int64_t trc_walk_missed(const struct trc_walk *walk, size_t source);

/*
 * Damaged pages passed over so far, and how far the walk has come: in pages, of about total. Problems
 * come file by file, each file's in the order they were found; problem->source says which source of the
 * walk it is of, and so does the source of an error that ends a call.
 */
size_t trc_walk_problem_count(const struct trc_walk *walk);
int trc_walk_problem(const struct trc_walk *walk, size_t index, struct trc_error *problem);
void trc_walk_progress(const struct trc_walk *walk, uint64_t *done, uint64_t *total);

/* [cdef end] */

#endif
