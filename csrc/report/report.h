/* SPDX-License-Identifier: MIT */
/*
 * Whole lines, as trace-cmd report prints them. docs/FORMAT.md 6.
 *
 * A struct report is given the records of all files in time order and appends lines to a buffer,
 * which the caller drains when he likes. Some lines depend on what came before: names of processes
 * that sched events tell, the nesting of functions. That is the report's state. It seldom matters,
 * so a long trace can be cut into stretches for several threads, each with a copy of the report;
 * trc_report_join() tells afterwards whether a stretch would have come out otherwise.
 */
#ifndef TRC_REPORT_REPORT_H
#define TRC_REPORT_REPORT_H

#include "base/output.h"
#include "file/api.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "report/api.h"

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

/* What a source of a walk is. */
struct report_source {
	uint32_t buffer, cpu;
};

struct report_record {
	const uint8_t *data;
	uint32_t size;
	uint32_t source;
	uint64_t ts;
	int64_t missed;			/* events lost before it: 0 none, -1 an unknown number */
	bool taken;			/* told of by the line of a record before it: to be passed over */
};

/* A function's exit is looked for among this many records behind its entry. */
#define REPORT_LOOK_AHEAD 64


/* Copies files and buffers, not what they point at. */
/* trc_report_destroy() ends it. */
int report_create(uint32_t flags, const struct report_file *files, uint32_t file_count,
		  const struct report_buffer *buffers, uint32_t buffer_count, struct trc_report **out,
		  struct trc_error *err);
/* Copies the sources. */
int report_set_sources(struct trc_report *report, const struct report_source *sources, size_t count,
		       struct trc_error *err);

/* Where a report through tracecmd.h stands: walk.c. */
struct report_place {
	struct report_batch *batch;
	struct output out;
	bool writing;		/* the last stint was over before there was enough: out goes on */
};
struct report_place *report_place(struct trc_report *report);
/* Forgets records of the walk before that have not become lines. */
void report_place_restart(struct report_place *place);
void report_place_deinit(struct report_place *place);

/* The lines above the first event. */
void report_begin(struct trc_report *report, struct output *out);
/* What latency tracers wrote. */
int report_texts(struct trc_report *report, struct output *out, struct trc_error *err);

/* Does the line of this record depend on those behind it? */
bool report_looks_ahead(struct trc_report *report, const struct report_record *record);

/*
 * The line of the first of count records, and of events lost before it; those behind it are the
 * next ones, as far as they are known. An exit record that completes a function's entry is told by
 * the entry's line, and marked taken.
 * TRC_NO_MEMORY: lines may be missing. TRC_OK else, whatever the record holds.
 */
int report_line(struct trc_report *report, struct report_record *records, size_t count,
		struct output *out, struct trc_error *err);

#endif
