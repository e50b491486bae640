/* SPDX-License-Identifier: MIT */
/* What a report holds: shared by create.c, event.c, line.c and join.c. */
#ifndef TRC_REPORT_STATE_H
#define TRC_REPORT_STATE_H

#include "report/api.h"
#include "report/event_handler.h"
#include "report/function_args.h"
#include "report/wakeups.h"

/* The most text that one record may become; the rest of it is dropped. */
#define RECORD_TEXT_MAX ((size_t)8 << 20)

#define LINE_HEADS_LOG2 3
#define LINE_HEAD_ROOM COPY_TWICE

struct file_state {
	struct trc_report_file file; /* label: in the arena */
	const struct event_formats *formats;
	struct print_fmt_env env;
	struct event_text
		*events; /* [formats->count + 1], the last blktrace's; program NULL: not compiled yet */
	struct event_formats blktrace; /* empty: not met */
	struct event_text **by_type;   /* [formats->id_count]: those compiled so far, else NULL */
	struct comm_table comms;
	struct symbol_cache *symbols;
	struct prototype_cache *prototypes; /* NULL: the file has no types */
	struct arena arena;		    /* labels of events */
	bool nanoseconds;		    /* time stamps are shown as seconds */
	bool trace_clock;		    /* the file says which clock it used: --ts-diff is in us then */
	bool usual_common; /* the common fields are those of all kernels of today, and lie as there */
	struct guest_symbols *guests; /* of this host */
	uint32_t guest_count;
	uint32_t first_buffer, buffer_count; /* which of the report's are this file's */
};

struct buffer_state {
	struct file_state *file;
	struct text label;  /* empty: blanks stand for it */
	struct text prefix; /* the label, padded, and ": "; empty: none */
};

/*
 * What a line begins with: "comm-pid [cpu] flags". Most records have there what one of the last few
 * on their CPU had.
 */
struct line_head {
	uint64_t key;	  /* of the record's common fields */
	uint32_t version; /* of the names */
	uint32_t size;	  /* 0: there is none */
	char text[LINE_HEAD_ROOM];
};

/* A CPU of a buffer. */
struct source_state {
	struct buffer_state *buffer;
	uint32_t cpu;
	struct line_head heads[1 << LINE_HEADS_LOG2];
};

/*
 * common_migrate_disable and common_lock_depth, which few kernels have. Whether lines have them the first
 * line decides for all: there, the number must not be negative. docs/FORMAT.md 6.1.
 */
enum rare_flags {
	RARE_FLAGS_NONE, /* no file has any, or they are not shown */
	RARE_FLAGS_OPEN, /* there was no line yet */
	RARE_FLAGS_MIGRATE,
	RARE_FLAGS_LOCK, /* the lock depth, in the place of the other, too */
};

struct trc_report {
	uint32_t flags;
	struct file_state *files;
	struct buffer_state *buffers; /* of all files, in their order */
	uint32_t file_count, buffer_count;
	uint32_t prefix_size; /* 0: lines have no prefix */
	char *prefixes;
	struct source_state *sources;
	size_t source_count;
	struct report_place place;
	struct function_stacks stacks; /* of all files, as the plugin has them */
	enum rare_flags rare_flags;
	uint64_t last_ts; /* of the line before, for --ts-diff; none and 0 are one */
	bool leaves_out;  /* there are such texts */
	size_t left_at;	  /* where the caller's text goes in the line written last; NOT_LEFT_OUT: nowhere */
	struct wakeups wakeups; /* where the flags ask for them */
	bool depended;		/* a line came out as it did because of those before */
	uint64_t second;	/* the one that seconds_text says, in units of time stamps as shown */
	size_t seconds_size;	/* 0: none yet */
	char seconds_text[COPY_SLACK];
};

/* An event that is met first, or of no known type: then *out is NULL. */
int report_meet_event(const struct trc_report *report, struct file_state *file, uint32_t type,
		      const struct event_text **out, struct trc_error *err);

/* Makes of an event what its lines take. */
int report_compile_event(const struct trc_report *report, struct file_state *file,
			 const struct event_format *event, struct event_text *out, struct trc_error *err);

#endif
