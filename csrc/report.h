/* SPDX-License-Identifier: MIT */
/*
 * Whole lines, as trace-cmd report prints them. FORMAT.md 6.
 *
 * A struct report is given the records of all files in time order and appends lines to a buffer,
 * which the caller drains when he likes. Some lines depend on what came before (names of processes
 * that sched events tell, the nesting of functions): that is the report's state, which
 * report_scan() follows without writing text. So a long trace can be cut into stretches for
 * several threads: one scans and copies the report at each cut, the others write.
 */
#ifndef TRC_REPORT_H
#define TRC_REPORT_H

#include "metadata.h"
#include "output.h"

enum report_flag {
	REPORT_RAW = 1,			/* -R: fields instead of texts */
	REPORT_NANOSECONDS = 2,		/* -t */
	REPORT_LATENCY_FORMAT = 4,	/* -l */
	REPORT_NO_PLUGINS = 8,		/* -N */
	REPORT_NO_SYSTEM_PLUGINS = 16,	/* -L */
	REPORT_KERNEL_TEXT = 32,	/* evaluate print fmts as C */
	REPORT_TS_DIFF = 64,		/* --ts-diff */
	REPORT_SECONDS = 128,		/* --ts2secs: ticks were made seconds, whatever the clock */
	REPORT_EVENT_TEXT = 256,	/* only what stands behind the event's name */
};

/* One file. All of it must outlive the report. */
struct report_file {
	const struct trc_file *file;
	const struct trc_metadata *metadata;
	const struct trc_symbols *symbols;	/* NULL: none are shown */
	struct text label;			/* its name, shown if there are several */
};

/* A buffer of a file, whose records come with its index. */
struct report_buffer {
	uint32_t file;
	struct text label;		/* in front of each line, padded to the widest; empty: blanks */
};

struct report_record {
	const uint8_t *data;
	uint32_t size;
	uint32_t buffer;
	uint32_t cpu;
	uint64_t ts;
	int64_t missed;			/* events lost before it: 0 none, -1 an unknown number */
};

struct report;

/* Copies files and buffers, not what they point at. */
int report_create(uint32_t flags, const struct report_file *files, uint32_t file_count,
		  const struct report_buffer *buffers, uint32_t buffer_count, struct report **out,
		  struct trc_error *err);
/* Another report in the same state; of any thread. */
int report_copy(const struct report *report, struct report **out, struct trc_error *err);
void report_destroy(struct report *report);	/* NULL is fine */

/* The lines above the first event. */
void report_begin(struct report *report, struct output *out);

/*
 * The line of a record, and of events lost before it. next is the record after it, NULL if there
 * is none: an exit record that completes a function's entry is told by the entry's line. Then
 * *took_next is set, and next must not be given again.
 * TRC_NO_MEMORY: lines may be missing. TRC_OK else, whatever the record holds.
 */
int report_line(struct report *report, const struct report_record *record,
		const struct report_record *next, bool *took_next, struct output *out,
		struct trc_error *err);

/* Does for the state what report_line() does, and no more. */
int report_scan(struct report *report, const struct report_record *record,
		const struct report_record *next, bool *took_next, struct trc_error *err);

#endif
