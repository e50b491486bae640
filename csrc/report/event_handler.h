/* SPDX-License-Identifier: MIT */
/*
 * Events whose text is not that of their print fmt: what libtraceevent's plugins and trace-cmd's
 * own hooks print instead, or in front. docs/FORMAT.md 5.8, 6.5.
 *
 * A handler names the fields it wants; where they lie is looked up once per event.
 */
#ifndef TRC_REPORT_EVENT_HANDLER_H
#define TRC_REPORT_EVENT_HANDLER_H

#include "print_fmt/program.h"
#include "report/comm_table.h"
#include "report/function_stack.h"
#include "report/report.h"

#define HANDLER_FIELDS 32

struct event_run;
struct prototype_cache;

struct event_handler {
	const char *system, *name;
	/* Writes the text. False: the print fmt's text is to follow. */
	bool (*run)(struct event_run *run);
	bool wants_next; /* next and next_event of struct event_run are used */
	bool always;	 /* no plugin: libtraceevent knows it by itself */
	const char *
		needs; /* another event of the system, without which the print fmt's text is shown; NULL: none */
	const char *fields[HANDLER_FIELDS];
};

/* An event as a report knows it. */
struct event_text {
	struct print_fmt *program;
	const struct event_handler *handler; /* NULL: none */
	struct text label;		     /* "NAME: " and the blanks after it */
	uint8_t how;			     /* enum trc_report_how, or 0 */
	bool left_out;			     /* the text is the caller's */
	bool *binary;			     /* [fields of the event]: struct print_record */
	bool *binary_first;		     /* the same when the report was copied */
	bool found[HANDLER_FIELDS];	     /* is there such a field? */
	struct place fields[HANDLER_FIELDS];
	char states[64]; /* sched_switch: the letter of each bit, 0: none */
};

/* Where the host's thread pid runs a guest whose file is read along. */
struct guest_symbols {
	int32_t pid;
	struct symbol_cache *symbols; /* of the guest's kernel */
};

/* A handler at work on a record. */
struct event_run {
	uint32_t flags; /* enum trc_report_flags */
	const struct print_fmt_env *env;
	const struct event_text *event;
	const struct walk_record *record;
	uint32_t cpu;
	struct walk_record *next; /* in the same buffer; only if the handler wants it */
	uint32_t next_cpu;
	struct print_record print;
	struct event_place pid;
	const struct event_text *next_event; /* next's */
	struct comm_table *comms;
	struct function_stacks *stacks;
	struct prototype_cache *prototypes; /* NULL: types are not known */
	const struct guest_symbols *guests; /* [guest_count] */
	uint32_t guest_count;
	struct output *out;
	bool ticks;    /* time stamps are shown as ticks */
	bool depended; /* the text depends on records before */
	bool no_memory;
};

/* Field number i of the handler as an unsigned number; 0 if it is missing. */
TRC_INLINE uint64_t run_number(const struct event_run *run, unsigned i)
{
	return read_number(run->event->program, &run->print, run->event->fields[i].offset,
			   run->event->fields[i].size);
}

/* Characters of field number i up to NUL, __data_loc or not. */
struct text run_text(const struct event_run *run, unsigned i);

/* The pid of any record of the file. */
int32_t run_pid(const struct event_run *run, const struct walk_record *record);

/* Puts the name of the function at address, or its address in hex with the prefix; NULL then. */
const struct cached_symbol *run_function(struct event_run *run, uint64_t address, const char *prefix);

/* libtraceevent's complaint about a missing field; and the one of tep_print_num_field(). */
void run_missing(struct event_run *run, unsigned i);
void run_missing_number(struct event_run *run, unsigned i);
/* Of so many fields from number first on one is missing: tells of it, and ends with a "!". */
bool run_lacks(struct event_run *run, unsigned first, unsigned count);

/* "LABEL" and the field in decimal, or what libtraceevent prints if there is none. */
void run_decimal(struct event_run *run, const char *label, unsigned i);
void run_hex(struct event_run *run, const char *label, unsigned i);

/* A time stamp as the report shows it: seconds with six digits or nine, or ticks. */
void run_time(struct event_run *run, uint64_t ts);

/* trace_printk(): bprint.c. */
bool run_bprint(struct event_run *run);

/* NULL: none of plugins for this event. */
const struct event_handler *event_handler_find(const struct event_format *event, uint32_t flags);

/* Arrays that end with an entry without name. */
extern const struct event_handler ftrace_handlers[], sched_handlers[], timer_handlers[], memory_handlers[],
	futex_handlers[], kvm_handlers[], wireless_handlers[];

/* What an event's handler prepares when the event is met first. */
void sched_prepare(struct event_text *event);

#endif
