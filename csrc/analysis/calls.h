/* SPDX-License-Identifier: MIT */
/*
 * Calls and stacks. One machine follows what tasks call, sleep and were sampled in; what it finds goes to an
 * answer: each answer is a file.
 *
 * Nothing is guessed. A task's calls are open from their entry on; an entry or exit that is no deeper ends
 * those above it. As a task may run anywhere, events that any CPU of its buffer lost may be its own.
 */
#ifndef TRC_ANALYSIS_CALLS_H
#define TRC_ANALYSIS_CALLS_H

#include "analysis/function_table.h"
#include "analysis/value.h"

enum calls_role {
	CALLS_ENTRY = 1,
	CALLS_RETADDR_ENTRY,
	CALLS_EXIT,
	CALLS_FUNCTION,
	CALLS_STACK,
	CALLS_SWITCH,
	CALLS_KVM_EXIT,
	CALLS_KVM_ENTRY,
};
enum calls_field {
	ENTRY_FUNC,
	ENTRY_DEPTH,
	RETADDR_FUNC,
	RETADDR_DEPTH,
	EXIT_FUNC,
	EXIT_DEPTH,
	EXIT_CALLTIME,
	EXIT_RETTIME,
	FUNCTION_IP,
	FUNCTION_PARENT,
	SWITCH_PREV,
	SWITCH_NEXT,
	KVM_REASON,
	KVM_SECOND,
	CALLS_FIELDS,
};

/* Where a file's events have what is needed. */
struct calls_places {
	struct event_place pid;
	struct value_place fields[CALLS_FIELDS];
	uint32_t stack; /* offset of a stack's addresses */
};

/*
 * Calls that ended while the one that they are in, as their depth tells, had no entry yet: an interrupt came
 * between the time that is taken as its beginning, and the record.
 */
struct early_calls {
	uint64_t sum;	      /* ns */
	uint64_t first, last; /* when the first began and the last ended, by the exits' clock */
	size_t level;	      /* how many are open around them */
	uint32_t depth;
	bool has, cut; /* cut: some are not known wholly */
};

#define LATE_CALLS 8

struct ended_call {
	uint64_t begin, total;
};

struct open_call {
	uint64_t start;	 /* ts of its entry */
	uint64_t inside; /* ns of its callees */
	uint32_t function;
	uint32_t parent; /* or NO_FUNCTION */
	uint32_t source;
	uint32_t path; /* the answer's */
	uint32_t depth;
	bool cut;			    /* records inside it are not all there */
	bool has_caller;		    /* what is below it in the stack is around it */
	uint32_t ended;			    /* callees */
	struct ended_call late[LATE_CALLS]; /* the last of these, callee i at i % LATE_CALLS */
	struct early_calls early;
};

/* What a task, or a CPU's idle one, has open. */
struct call_stack {
	struct open_call *calls; /* [count], each deeper than the one before */
	size_t count, room;
	struct early_calls *early; /* [early_count], of each level, deeper ones later */
	size_t early_count, early_room;
	uint32_t group, source; /* source: of an idle task's CPU */
	int32_t pid;
};

enum call_end {
	CALL_WHOLE,
	CALL_UNMATCHED, /* one record alone */
	CALL_LOST,	/* records inside it may not be there */
};

struct calls;

/* false: there is no memory. */
struct calls_answer {
	bool (*init)(struct calls *calls); /* columns, and memory */
	/* A call begins; what calls it is the last of the stack, where it has a parent. */
	bool (*begin)(struct calls *calls, const struct call_stack *stack, struct open_call *call);
	bool (*end)(struct calls *calls, int32_t pid, const struct open_call *call, enum call_end how,
		    uint64_t total, uint64_t self);
	bool (*other)(struct calls *calls, const struct walk_record *record, uint8_t role);
	bool (*lose)(struct calls *calls, uint32_t source);
	bool (*finish)(struct calls *calls);
	void (*deinit)(struct calls *calls);
};

struct calls {
	struct trc_analysis base;
	const struct calls_answer *answer;
	uint32_t kind, by;
	struct calls_places *places; /* [file_count] */
	struct function_table functions;
	struct key_map stack_map; /* group, pid, and of pid 0 its source */
	struct call_stack *stacks;
	size_t stack_room;
	uint64_t *group_lost; /* ns: no gap that was told ends later */
	bool *group_has_lost;
	void *memory; /* the answer's */
};

extern const struct calls_answer function_sums_answer, call_paths_answer;

/* call_tree.c: an entry or an exit. */
bool calls_put_entry(struct calls *calls, const struct walk_record *record, uint8_t role);
bool calls_put_exit(struct calls *calls, const struct walk_record *record);
/* The same of a kvm_exit, whose call ends with the next kvm_entry. */
bool calls_put_kvm(struct calls *calls, const struct walk_record *record, uint8_t role);
bool calls_end_all(struct calls *calls);

/* A field's number; false: it does not lie in the record. */
bool calls_load(const struct calls *calls, const struct walk_record *record, enum calls_field field,
		uint64_t *number);
int32_t calls_pid(const struct calls *calls, const struct walk_record *record);

/* Whether what began at a time in a buffer may have lost events since. */
TRC_INLINE bool calls_lost_since(const struct calls *calls, uint32_t group, uint64_t start)
{
	return calls->group_has_lost[group] && calls->group_lost[group] > start;
}

TRC_INLINE bool calls_wants(const struct calls *calls, uint32_t source, int32_t pid)
{
	return analysis_wants_cpu(&calls->base, calls->base.sources[source].cpu) &&
	       analysis_wants_pid(&calls->base, pid);
}

#endif
