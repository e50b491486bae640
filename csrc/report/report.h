/* SPDX-License-Identifier: MIT */
/*
 * Whole lines, as trace-cmd report prints them. docs/FORMAT.md 6.
 *
 * A struct report is given the records of all files in time order and appends lines to a buffer,
 * which the caller drains when it likes. Some lines depend on what came before: names of processes
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
#include "records/record.h"
#include "report/api.h"
#include "report/left_out.h"

/*
 * Records are taken as they lie in a walk. One that the line of a record before it tells of as well is
 * passed over.
 */
static inline void report_take(struct walk_record *record)
{
	record->payload = NULL;
}

static inline bool report_is_taken(const struct walk_record *record)
{
	return !record->payload;
}

/* A function's exit is looked for among this many records after its entry. */
#define REPORT_LOOK_AHEAD 64

/* A report without sources yet, of all buffers of the files. trc_report_destroy() ends it. */
int report_create(uint32_t flags, const struct trc_report_file *files, size_t file_count,
		  struct trc_report **out, struct trc_error *err);

/* Where a report through tracecmd.h stands: walk.c. */
struct report_place {
	struct report_batch *batch;
	struct output out;
	bool writing; /* the last stint was over before there was enough: out goes on */
	struct left_records left;
	struct output left_text;
};
/* Forgets records of the walk before that have not become lines. */
void report_place_restart(struct report_place *place);
void report_place_deinit(struct report_place *place);

/* The lines above the first event. */
void report_begin(struct trc_report *report, struct output *out);
/* What latency tracers wrote. */
int report_texts(struct trc_report *report, struct output *out, struct trc_error *err);

/* Does the line of this record depend on those after it? */
bool report_looks_ahead(struct trc_report *report, const struct walk_record *record);

/*
 * The line of the first of count records, and of the missed events lost before it; those after it are
 * the next ones, as far as they are known. An exit record that completes a function's entry is told by
 * the entry's line, and taken.
 * TRC_NO_MEMORY: lines may be missing. TRC_OK else, whatever the record holds.
 */
int report_line(struct trc_report *report, struct walk_record *records, size_t count, int64_t missed,
		struct output *out, struct trc_error *err);

#endif
