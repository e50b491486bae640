/* SPDX-License-Identifier: MIT */
/* Lines of text, as trace-cmd report prints them. */
#ifndef TRC_REPORT_API_H
#define TRC_REPORT_API_H

#include "records/api.h"

/* [cdef begin] */

/*
 * Texts: whole lines as trace-cmd report prints them. A report belongs to one thread at a time;
 * files, metadata and symbols must outlive it, and may be shared with other reports.
 */
struct trc_report;
enum trc_report_flags {
	TRC_REPORT_RAW = 1,		   /* -R: fields, not texts */
	TRC_REPORT_NANOSECONDS = 2,	   /* -t */
	TRC_REPORT_LATENCY_FORMAT = 4,	   /* -l */
	TRC_REPORT_NO_PLUGINS = 8,	   /* -N */
	TRC_REPORT_NO_SYSTEM_PLUGINS = 16, /* -L */
	TRC_REPORT_KERNEL_TEXT = 32,	   /* evaluate print fmts as C does */
	TRC_REPORT_TS_DIFF = 64,	   /* --ts-diff */
	TRC_REPORT_SECONDS = 128,	   /* time stamps are nanoseconds, whatever clock is recorded */
	TRC_REPORT_EVENT_TEXT = 256,	   /* only what stands behind the event's name */
	TRC_REPORT_TICKS = 512,		   /* --raw-ts: time stamps are ticks, whatever clock is recorded */
	/* -O: options of libtraceevent's plugins that are not as usual */
	TRC_REPORT_FUNCTION_PARENT = 1024,     /* ftrace:parent */
	TRC_REPORT_FUNCTION_OFFSET = 2048,     /* ftrace:offset */
	TRC_REPORT_FUNCTION_FLAT = 4096,       /* ftrace:indent=0 */
	TRC_REPORT_FGRAPH_TAILPRINT = 8192,    /* fgraph:tailprint */
	TRC_REPORT_FGRAPH_DEPTH = 16384,       /* fgraph:depth */
	TRC_REPORT_FGRAPH_RETVAL_SKIP = 32768, /* fgraph:retval-skip */
	TRC_REPORT_FGRAPH_RETVAL_DEC = 65536,  /* fgraph:retval-dec */
	TRC_REPORT_FGRAPH_RETVAL_HEX = 131072, /* fgraph:retval-hex */
	TRC_REPORT_WAKEUPS = 262144,	       /* -w; of a single file only */
};
struct trc_report_file {
	const struct trc_file *file;
	const struct trc_metadata *metadata;
	const struct trc_symbols *symbols; /* NULL: addresses stay numbers */
	const char *label;		   /* shown in front of lines if there are several files */
	size_t label_size;
};
struct trc_report_source { /* what a source of the walk is; the report copies them */
	uint32_t file;	   /* index among the files */
	uint32_t buffer;   /* trc_buffer() */
	uint32_t cpu;
};
/* err->source: the file. TRC_ARGUMENT: wake-ups are asked for of several files. */
int trc_report_create(uint32_t flags, const struct trc_report_file *files, size_t file_count,
		      const struct trc_report_source *sources, size_t source_count, struct trc_report **out,
		      struct trc_error *err);
void trc_report_destroy(struct trc_report *report); /* NULL is fine */

/*
 * Writes some events otherwise: -r, their fields; -n, by their print fmt whatever plugins know of
 * them. A regular expression that fits all of the event's name or of its system, upper and lower
 * case alike. To be called before the first record. TRC_ARGUMENT: it is not a regular expression.
 */
enum trc_report_how {
	TRC_REPORT_EVENTS_RAW = 1,	/* -r */
	TRC_REPORT_EVENTS_PLAIN = 2,	/* -n */
	TRC_REPORT_EVENTS_LEFT_OUT = 4, /* trc_report_leave_out() */
};
int trc_report_set_events(struct trc_report *report, uint32_t how, const char *pattern, size_t size,
			  struct trc_error *err);

/* Texts are UTF-8 only where the trace is, and are valid until the report is used again. */

/* The lines above the first event: cpus=N, and the texts of latency tracers. err->source: the file. */
int trc_report_begin(struct trc_report *report, const char **text, size_t *size, struct trc_error *err);

/*
 * Lines of the walk's next records, about enough bytes of them; size 0: there are no more. TRC_GO_ON: not
 * enough yet, and more to come. The walk's sources are those the report was made for.
 */
int trc_report_next(struct trc_report *report, struct trc_walk *walk, size_t enough, const char **text,
		    size_t *size, struct trc_error *err);

/* The lines below the last event: wake-up latencies. */
int trc_report_end(struct trc_report *report, const char **text, size_t *size, struct trc_error *err);

/* One record, of source number source. Its line, events lost before it and the newline included. */
struct trc_report_record {
	const uint8_t *payload;
	size_t size;
	uint32_t source;
	int64_t missed_events;
	uint64_t ts; /* ns */
};
int trc_report_record(struct trc_report *report, const struct trc_report_record *record, const char **text,
		      size_t *size, struct trc_error *err);

/*
 * Texts that are the caller's: their lines end where the text is to be put in, before the newline. Of an
 * event (trc_event()) of one of the files, unless it is shown raw, or plain. And of all events whose print fmt
 * calls one of some functions, whose names end in NUL and are copied: those make up a text together with
 * the core, trc_report_left_text(). To be called before the first record; copies know the same.
 */
int trc_report_leave_out(struct trc_report *report, uint32_t file, size_t event, struct trc_error *err);
int trc_report_set_functions(struct trc_report *report, uint32_t file, const char *const *names, size_t count,
			     struct trc_error *err);

/*
 * The records whose lines trc_report_next() gave last without their texts, in order; valid until it, or
 * trc_report_restart(), is called again.
 */
struct trc_left_out {
	uint64_t at; /* where in the lines the text belongs */
	uint64_t ts, payload_end, offset;
	int64_t missed_events;
	uint32_t source, id, size; /* these are those of trc_batch */
	int32_t pid;
};
size_t trc_report_left_out(const struct trc_report *report, const struct trc_left_out **records,
			   const uint8_t **payload);

/*
 * The text of one such record by its print fmt. values: what the functions gave, in the order in which they
 * were asked for. TRC_GO_ON: the next of them is *call. TRC_NOT_FOUND: this record's text is not left out. The
 * text is valid until the next call of this.
 */
#define TRC_FUNCTION_ARGUMENTS 8
struct trc_function_value {
	uint64_t number;
	const char *text; /* NULL: the number is the value */
	size_t size;
};
struct trc_function_call {
	uint32_t function; /* its place among the names */
	uint32_t count;
	uint64_t arguments[TRC_FUNCTION_ARGUMENTS];
};
int trc_report_left_text(struct trc_report *report, const struct trc_report_record *record,
			 const struct trc_function_value *values, size_t count,
			 struct trc_function_call *call, const char **text, size_t *size,
			 struct trc_error *err);

/*
 * Whether a report cannot understand the print fmt of event number event (trc_event()) and would
 * show its fields instead; flags say which plugins there are.
 */
int trc_event_check_print_fmt(const struct trc_metadata *metadata, size_t event, uint32_t flags, int *failed,
			      struct trc_error *err);

/*
 * Several threads. Few lines depend on lines before them, so copies of one report may write
 * stretches of a trace side by side. In order, trc_report_join() then says of each stretch whether
 * the lines before it, those of report, would have changed it; if not, report learns from it.
 */
enum trc_report_joined {
	TRC_REPORT_JOINED = 0,
	TRC_REPORT_AGAIN = 1,  /* the stretch is to be written again, by a copy of report */
	TRC_REPORT_IN_ONE = 2, /* and the rest of the trace with it, in one walk: functions are nested,
				   differences shown */
};
int trc_report_copy(const struct trc_report *report, struct trc_report **out, struct trc_error *err);
/* Puts a copy into the state that report, of which it is one, has now: for the next stretch. */
int trc_report_restart(struct trc_report *copy, const struct trc_report *report, struct trc_error *err);
int trc_report_join(struct trc_report *report, const struct trc_report *later, uint32_t *again,
		    struct trc_error *err);

/* [cdef end] */

#endif
