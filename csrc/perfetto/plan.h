/* SPDX-License-Identifier: MIT */
/* How the records of an event are written: worked out once for each event of a buffer. */
#ifndef TRC_PERFETTO_PLAN_H
#define TRC_PERFETTO_PLAN_H

#include "base/arena.h"
#include "columns/field_access.h"
#include "metadata/event_format.h"
#include "perfetto/names.h"
#include "perfetto/wire.h"
#include "records/record.h"

enum part_kind {
	PART_INTEGER,
	PART_TEXT,
	PART_HEX,	/* bytes as a text */
	PART_LIST,	/* integers as a text with commas */
	PART_BITS,	/* the numbers of the bits set, so */
	PART_REPEATED,	/* integers, each a field */
	PART_FUNCTION,	/* an address, by the number of its name */
	PART_FUNCTIONS, /* addresses, as a text of names with commas */
	PART_NAME,	/* an address, as a name */
	PART_LINE,	/* a text, without newlines at its end */
	PART_GIVEN,	/* the text that the caller has for the record */
	PART_CONSTANT,	/* bytes that are the same in all records, the tag included */
};

struct part {
	uint8_t kind; /* enum part_kind */
	uint8_t tag_size;
	uint8_t tag[TAG_ROOM];
	struct field_access access;
	struct text constant; /* of CONSTANT */
	struct text name;     /* not empty: the field is a message of a name, before it, and the value */
};

struct sched_switch_places {
	struct field_access prev_comm, prev_pid, prev_prio, prev_state, next_comm, next_pid, next_prio;
};
struct sched_waking_places {
	struct field_access comm, pid, prio, target_cpu;
};

enum plan_kind {
	PLAN_EVENT,
	PLAN_SWITCH, /* compact where it can be */
	PLAN_WAKING, /* the same */
	PLAN_MARK,   /* texts: typed if they are marks, else as plan->other says */
	PLAN_TEXT,   /* a report's text is given */
};

struct plan {
	uint8_t kind; /* enum plan_kind */
	uint8_t head_size;
	uint8_t head[TAG_ROOM]; /* tag of the event's message */
	struct part *parts;
	size_t part_count;
	size_t text_part; /* of MARK: which is the text */
	/* What it takes at most, but for the parts whose size their records say. */
	size_t room;
	struct text prefix;	  /* fields in front of the parts */
	const struct plan *other; /* of MARK */
	union {
		struct sched_switch_places on_switch;
		struct sched_waking_places on_waking;
	} at;
};

/* What plans of one buffer of a machine are made with. */
struct plan_maker {
	struct arena *arena;
	const struct event_formats *formats;
	uint32_t long_size;
	struct text instance; /* the buffer's name; empty: the top one */
	uint32_t instance_number;
	uint32_t *next_field_id;    /* of generic events' descriptors, in all of a trace */
	struct output *descriptors; /* those that are not written yet */
};

/* All give NULL when memory is short. typed: not SCHEMA_NONE, the schema's message to use. */
struct plan *plan_typed(const struct plan_maker *maker, const struct event_format *event, uint32_t typed);
/* Of an event of one system call, as if it were raw_syscalls' sys_enter or sys_exit, which are drawn. */
struct plan *plan_syscall(const struct plan_maker *maker, const struct event_format *event);
struct plan *plan_generic(const struct plan_maker *maker, const struct event_format *event);
/* Of records that no format is known of. */
struct plan *plan_unknown(const struct plan_maker *maker, uint32_t id);

/* Whether plan_syscall() can write an event. */
bool plan_is_syscall(const struct event_format *event, uint32_t long_size);
/* The place of an event in the schema if its fields can be written so, else SCHEMA_NONE. */
uint32_t plan_schema(const struct event_format *event, uint32_t long_size);

/* --- records --------------------------------------------------------------------------------- */

/* What is written beside the record's bytes: for PLAN_TEXT a text is given. */
struct record_facts {
	struct function_names *names;
	struct text given;
	uint32_t pid;
	bool big_endian;
};

/*
 * A record's event, as a field of a bundle, appended to out. false: memory is short. Numbers and texts that do not
 * lie within the record are left out.
 */
bool plan_write(const struct plan *plan, const struct walk_record *record, const struct record_facts *facts,
		struct output *out);

/* Whether trace processor takes a text in trace_marker for a slice, a counter or the like. */
bool is_mark(struct text text);

/* The bytes of a text field, up to its NUL. false: they do not lie within the record. */
bool plan_text(const struct walk_record *record, const struct field_access *access, bool big_endian,
	       struct text *text);

TRC_INLINE bool plan_integer(const struct walk_record *record, const struct field_access *access,
			     bool big_endian, uint64_t *value)
{
	unsigned unused = 64 - 8 * access->width;
	uint64_t number;

	if (access->width > record->size || access->offset > record->size - access->width)
		return false;
	number = load_uint(record->payload + access->offset, access->width, big_endian);
	*value = access->is_signed ? (uint64_t)((int64_t)(number << unused) >> unused) : number;
	return true;
}

#endif
