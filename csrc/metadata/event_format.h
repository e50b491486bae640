/* SPDX-License-Identifier: MIT */
/*
 * The format files of a trace's events: trace-cmd.dat.v7(5), FTRACE EVENT FORMATS and EVENT
 * FORMATS; the kernel's Documentation/trace/events.rst, "Event formats".
 *
 * All formats of a file make one table, which never changes once it is built, so that threads
 * share it. Names and print fmts are the file's own characters; nothing here is copied but what
 * had to be put together (types).
 */
#ifndef TRC_METADATA_EVENT_FORMAT_H
#define TRC_METADATA_EVENT_FORMAT_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"
#include "metadata/event_common.h"
#include "metadata/field.h"

struct event_format {
	struct text system, name;
	struct text print_fmt; /* all after "print fmt:", blanks at either end dropped */
	uint32_t id;	       /* common_type of its records */
	uint32_t state;	       /* enum trc_event_state, or'ed */
	uint32_t index;	       /* in event_formats.list */
	uint32_t rank;	       /* among events of one id: libtraceevent sorts them in as it reads */
	uint32_t common_count;
	uint32_t field_count;
	/* Of these those that libtraceevent reads, too, up to the first that it cannot: reports know no others. */
	uint32_t reported_common_count, reported_field_count;
	const struct event_field *common; /* the fields all events share, in the order of the text */
	const struct event_field *fields; /* its own */
	/* The same sorted by name, of one name in the order of the text; NULL: there are only a few. */
	const struct event_field *const *common_by_name, *const *fields_by_name;
};

#define EVENT_ID_DENSE 65536 /* common_type has 16 bits: no other id ever occurs in a record */

struct event_formats {
	struct event_format *list; /* in the order of the file, "ftrace" first */
	size_t count;
	const struct event_format **by_id;     /* [id_count]; NULL: no such event */
	uint32_t id_count;		       /* at most EVENT_ID_DENSE */
	const struct event_format **by_number; /* [count], sorted by id, then rank */
	const struct event_format **by_name;   /* [count], sorted by name, then id, then rank */
	struct event_common common;
	struct arena arena;

	/* Of use while the table is built. */
	struct event_field *scratch;
	size_t list_room, scratch_room, field_count;
	struct text common_text; /* the common fields' lines of the event read last, and the result */
	const struct event_field *common_fields;
	const struct event_field *const *common_by_name;
	uint32_t common_count, reported_common_count;
};

/* The format of a record's common_type, or NULL. */
TRC_INLINE const struct event_format *event_by_id(const struct event_formats *formats, uint32_t id)
{
	return TRC_LIKELY(id < formats->id_count) ? formats->by_id[id] : NULL;
}

/* The same for any id at all, also those that no record can have. */
const struct event_format *event_by_any_id(const struct event_formats *formats, uint32_t id);

/* system.size 0: any system, of several the one with the lowest id. NULL: none. */
const struct event_format *event_by_name(const struct event_formats *formats, struct text system,
					 struct text name);

/* The first of that name among the common fields, or among the event's own. NULL: none. */
const struct event_field *event_common_field(const struct event_format *format, struct text name);
const struct event_field *event_own_field(const struct event_format *format, struct text name);

/* Looks among the event's own fields first, then among the common ones. NULL: none. */
const struct event_field *event_field_by_name(const struct event_format *format, struct text name);
/* Among all that libtraceevent knows. */
const struct event_field *event_reported_field(const struct event_format *format, struct text name);

/*
 * Builds the table: add each text in the order of the file, then finish; the first late of them
 * rank after all others. Texts must outlive the table. A text without a name or an id is dropped,
 * one with unreadable fields is kept and marked, and of those fields what can be used: their bytes.
 * Both are entered into problems, at file_offset.
 * Only lack of memory fails. A zeroed struct is an empty table, and may be deinited at any stage.
 */
int event_formats_add(struct event_formats *formats, struct text system, struct text text, unsigned long_size,
		      uint64_t file_offset, struct problems *problems, struct trc_error *err);
int event_formats_finish(struct event_formats *formats, size_t late, struct trc_error *err);
void event_formats_deinit(struct event_formats *formats);

#endif
