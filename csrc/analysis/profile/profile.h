/* SPDX-License-Identifier: MIT */
/*
 * What a profile keeps. Its rules are those of trace-cmd, so that its sums are: a pair of events is joined by
 * the task and a field of both, the begin that came last first; a stack belongs to the event before it in
 * its task; a loss ends all that was begun on its CPU, and all that may end on another one.
 */
#ifndef TRC_ANALYSIS_PROFILE_PROFILE_H
#define TRC_ANALYSIS_PROFILE_PROFILE_H

#include "analysis/function_table.h"
#include "analysis/key_map.h"
#include "analysis/profile/api.h"
#include "base/output.h"

#define NONE KEY_NONE

/* --- events ---------------------------------------------------------------------------------- */

enum profile_role {
	PROFILE_PLAIN, /* begins, ends, or is counted */
	PROFILE_SWITCH,
	PROFILE_WAKEUP,
	PROFILE_EXEC,
	PROFILE_STACK,
	PROFILE_CALL,
	PROFILE_RETURN,
};

/* How the value is shown that an event's sums differ by. */
enum profile_value { VALUE_HEX, VALUE_FUNCTION, VALUE_SYSCALL, VALUE_SOFTIRQ, VALUE_STATE };

enum profile_place {
	PLACE_PID,   /* of the task that it is about, where that is not the one that recorded it */
	PLACE_BEGIN, /* what joins it with the event that ends it; of a switch the next task */
	PLACE_END,   /* what joins it with the event that began it */
	PLACE_VALUE, /* of an event that is counted; the state of a switch, success of a wake-up */
	PLACE_COMM,  /* of the task woken, or switched from */
	PLACE_NEXT_COMM,
	PROFILE_PLACES,
};

struct profile_event {
	const struct event_format *format;
	uint8_t role, value;			   /* enum profile_role, enum profile_value */
	bool migrates;				   /* its pair may end on another CPU */
	bool global;				   /* its pair belongs to no task */
	uint32_t ended_by, began_by;		   /* numbers of events; NONE: none */
	struct event_place places[PROFILE_PLACES]; /* size 0: there is no such field */
};

struct profile_file {
	uint32_t *by_id; /* [id_count]: number of an event + 1; 0: not met yet */
	const struct kallsyms *symbols;
};

/* --- what is known ----------------------------------------------------------------------------- */

enum profile_owner {
	OWNER_GLOBAL, /* in the order of the text */
	OWNER_CPU,
	OWNER_GROUP,
	OWNER_TASK,
};

struct profile_task {
	uint32_t unit; /* group of sources: a buffer of a file */
	uint8_t owner; /* enum profile_owner */
	bool sleeping;
	bool grouped;		       /* its sums are those of its name's group */
	bool fresh_stack;	       /* last_stack is of the record at hand */
	int32_t number;		       /* pid, or CPU */
	uint32_t comm;		       /* in comms; NONE: no record told it */
	uint32_t proxy;		       /* the task that its next stack belongs to */
	uint32_t last_start, last_sum; /* what its next stack belongs to */
	uint32_t last_stack;	       /* one that belonged to nothing; a call may follow */
	uint64_t last_stack_ts;
	uint32_t first_sum; /* those that are its own */
};

/* What was begun. Lists lead on by numbers; those of one key come last first. */
struct profile_start {
	uint64_t ts, key, value;
	uint32_t event, task;
	uint32_t open; /* number of its key */
	uint32_t stack;
	uint64_t stack_ts;
	uint32_t older, newer; /* of one key */
	uint32_t list;	       /* those that a loss ends together */
	uint32_t before, behind;
};

struct profile_open {
	uint32_t newest; /* start */
	uint32_t sum;	 /* where its value is the key; NONE: not looked up yet */
};

struct profile_times {
	uint64_t count, total;
	uint64_t min, min_ts, max, max_ts;
};

struct profile_sum {
	struct profile_times times;
	uint64_t last_time;
	uint64_t key, value;
	uint32_t event;
	uint32_t first_stack;
	uint32_t next; /* of its task */
};

struct profile_stack {
	struct profile_times times;
	uint32_t stack; /* in stacks */
	uint32_t next;	/* of its sum */
};

#define TASK_CACHE_LOG2 8

/* Where the text stands. */
struct profile_page {
	bool begun, in_task;
	uint32_t *tasks; /* [task_count] in their order */
	size_t task_count, at_task;
	uint32_t *sums; /* [sum_count] of the task at hand */
	size_t sum_count, sum_room, at_sum;
	struct output out;
};

struct trc_profile {
	struct trc_analysis base;
	uint32_t flags;
	struct profile_file *files; /* [base.file_count] */
	struct profile_event *events;
	size_t event_count, event_room;

	struct key_map task_map; /* unit and owner, number */
	struct profile_task *tasks;
	size_t task_room;
	uint32_t task_cache[1 << TASK_CACHE_LOG2]; /* number + 1 */

	struct key_map open_map; /* task, event, key */
	struct profile_open *opens;
	size_t open_room;
	struct profile_start *starts;
	size_t start_count, start_room;
	uint32_t free_start;
	uint32_t *units; /* [base.group_count]: a source of each */
	uint32_t *lists; /* [base.source_count + base.group_count]: of CPUs, and of what may migrate */

	struct key_map sum_map; /* task, event, key, value */
	struct profile_sum *sums;
	size_t sum_room;
	struct text_table stacks, comms;
	struct key_map stack_map; /* sum, stack */
	struct profile_stack *stack_sums;
	size_t stack_room;

	struct profile_page page;
};

/* --- keeping it: store.c ------------------------------------------------------------------------ */

/* Each of these gives NONE where there is no room. */
uint32_t profile_task_of(struct trc_profile *profile, uint32_t unit, enum profile_owner owner,
			 int32_t number);
uint32_t profile_sum_of(struct trc_profile *profile, uint32_t task, uint32_t event, uint64_t key,
			uint64_t value);
uint32_t profile_start_add(struct trc_profile *profile, uint32_t task, uint32_t event,
			   const struct walk_record *record, uint64_t key, uint64_t value);

/*
 * Ends the newest that an event began with this key. *sum: NONE where there was none. false: there is no
 * room.
 */
bool profile_start_end(struct trc_profile *profile, uint32_t task, uint32_t event, uint64_t key, uint64_t ts,
		       uint32_t *sum);
/* Forgets what a loss on a source's CPU ends. */
void profile_forget(struct trc_profile *profile, uint32_t source);

/* A stack that came with a time. false: there is no room. */
bool profile_stack_add(struct trc_profile *profile, uint32_t sum, uint32_t stack, uint64_t time, uint64_t ts);
/* All of one into the other. */
void profile_times_join(struct profile_times *to, const struct profile_times *from);
struct profile_stack *profile_stack_of(struct trc_profile *profile, uint32_t sum, uint32_t stack);

/* --- the rest ----------------------------------------------------------------------------------- */

/* create.c: why there is no room. */
int profile_fail(const struct trc_profile *profile, struct trc_error *err);
/* Number of a record's event; NONE: the file does not know it. *no_room: or there is no room. */
uint32_t profile_event_of(struct trc_profile *profile, const struct walk_record *record, bool *no_room);

/* put.c */
bool profile_put(struct trc_profile *profile, const struct walk_record *record, int64_t missed);

/* groups.c */
bool profile_group(struct trc_profile *profile);

/* stack_tree.c: the stacks of a sum, from what they have in common on. false: out of memory. */
bool profile_put_stacks(const struct trc_profile *profile, const struct profile_sum *sum, uint32_t file,
			struct output *out);
/* "386881(ts:21.548637)": microseconds that are rounded up to a million stay that. */
void profile_put_extreme(struct output *out, uint64_t time, uint64_t ts);

#endif
