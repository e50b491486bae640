/* SPDX-License-Identifier: MIT */
/*
 * The format files of a trace's events: trace-cmd.dat.v7(5), FTRACE EVENT FORMATS and EVENT
 * FORMATS; the kernel's Documentation/trace/events.rst, "Event formats".
 *
 * All formats of a file make one table, which never changes once it is built, so that threads
 * share it. Names and print fmts are the file's own characters; nothing here is copied but what
 * had to be put together (types).
 */
#ifndef TRC_EVENT_FORMAT_H
#define TRC_EVENT_FORMAT_H

#include "arena.h"
#include "problem.h"
#include "text.h"

/*
 * A field. Nothing about offset and size is checked against any record: a format is as hostile as
 * the records are, and records may be shorter than their format says.
 */
struct event_field {
	struct text name;
	struct text type;	/* as libtraceevent spells it: "unsigned int", "char[16]", "__data_loc char[]" */
	uint32_t offset;	/* from the start of the payload, common fields included */
	uint32_t size;		/* 0: runs to the end of the record */
	uint32_t array_length;	/* 0 if not an array, or of unknown length */
	uint32_t element_size;	/* bytes; of a field that is no array its size; 0 if unknown */
	uint32_t flags;		/* enum trc_field_flag */
};

enum event_format_state {
	EVENT_FIELDS_FAILED = 1,	/* the fields could not be read, or not all: fields has those before the fault */
	EVENT_NO_PRINT_FMT = 2,		/* no "print fmt:" was found; print_fmt is empty */
	EVENT_FTRACE = 4,		/* of the system "ftrace", built into the kernel: enum libtraceevent ISFTRACE */
};

struct event_format {
	struct text system, name;
	struct text print_fmt;		/* all behind "print fmt:", blanks at either end dropped */
	uint32_t id;			/* common_type of its records */
	uint32_t state;			/* enum event_format_state, or'ed */
	uint32_t index;			/* in event_formats.list */
	uint32_t common_count;
	uint32_t field_count;
	const struct event_field *common;	/* the fields all events share, in the order of the text */
	const struct event_field *fields;	/* its own */
};

/* Where a common field lies; size 0: this kernel has no such field. */
struct event_place {
	uint32_t offset, size;
};

/* FORMAT of the common fields: of the event with the lowest id, for the records of all events. */
struct event_common {
	struct event_place type, flags, preempt_count, pid;
	struct event_place lock_depth, migrate_disable, preempt_lazy_count;
	uint32_t end;		/* first byte behind the last of them: no shorter payload is an event */
};

#define EVENT_ID_DENSE 65536	/* common_type has 16 bits: no other id ever occurs in a record */

struct event_formats {
	struct event_format *list;	/* in the order of the file, "ftrace" first */
	size_t count;
	const struct event_format **by_id;	/* [id_count]; NULL: no such event */
	uint32_t id_count;			/* at most EVENT_ID_DENSE */
	const struct event_format **by_number;	/* [count], sorted by id, then file order */
	const struct event_format **by_name;	/* [count], sorted by name, then id, then file order */
	struct event_common common;
	struct arena arena;
};

/* The format of a record's common_type, or NULL. */
TRC_INLINE const struct event_format *event_by_id(const struct event_formats *formats, uint32_t id)
{
	return TRC_LIKELY(id < formats->id_count) ? formats->by_id[id] : NULL;
}

/* system.size 0: any system, of several the one with the lowest id. NULL: none. */
const struct event_format *event_by_name(const struct event_formats *formats, struct text system,
					 struct text name);

/* Looks among the event's own fields first, then among the common ones. NULL: none. */
const struct event_field *event_field_by_name(const struct event_format *format, struct text name);

/*
 * Builds the table. event_formats_init() first, then event_formats_add() for each text, in file
 * order, at last event_formats_finish(). Texts must outlive the table. A text without a name or an
 * id is dropped, one with unreadable fields is kept and marked, both are entered into problems; only
 * lack of memory fails. file_offset is what faults are reported to be at.
 */
void event_formats_init(struct event_formats *formats);
int event_formats_add(struct event_formats *formats, struct text system, struct text text,
		      unsigned long_size, uint64_t file_offset, struct problems *problems,
		      struct trc_error *err);
int event_formats_finish(struct event_formats *formats, struct trc_error *err);
void event_formats_deinit(struct event_formats *formats);

#endif
