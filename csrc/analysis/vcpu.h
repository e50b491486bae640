/* SPDX-License-Identifier: MIT */
/*
 * What vCPUs do, seen from both sides. The host's scheduler and KVM say where each vCPU's thread is
 * (vcpu_host.c), what they say of one thread cuts its time into pieces (vcpu_thread.c), the guests'
 * schedulers say which task it runs, and losses and ends of files what is not known (vcpu_timeline.c).
 *
 * A piece may be over before it is known what it was: from kvm_entry to kvm_exit, asleep until woken up.
 * It waits then, and all pieces of the thread after it, too.
 */
#ifndef TRC_ANALYSIS_VCPU_H
#define TRC_ANALYSIS_VCPU_H

#include "analysis/key_map.h"
#include "columns/field_access.h"
#include "print_fmt/api.h"

#define NO_SLOT UINT32_MAX
#define NO_TEXT UINT32_MAX
#define OF_HOST UINT32_MAX	 /* instead of a thread's number: of the host */
#define OF_NONE (UINT32_MAX - 1) /* of a guest's CPU of which nothing is known */

enum vcpu_state {
	VCPU_GUEST,
	VCPU_HOST,
	VCPU_PREEMPTED,
	VCPU_BLOCKED,
	VCPU_UNKNOWN,
	VCPU_STATES,
	/* Of pieces that wait. */
	VCPU_ON_CPU_PIECE = VCPU_STATES,
	VCPU_ASLEEP_PIECE,
	VCPU_WOKEN_PIECE,
	VCPU_KINDS,
};

/* What is known of a thread at an instant. */
enum vcpu_mode { MODE_LOST, MODE_ON_CPU, MODE_ASLEEP, MODE_RUNNABLE, MODE_WOKEN };
/* The last KVM event. */
enum vcpu_kvm { KVM_NONE, KVM_ENTERED, KVM_EXITED };

/* Why something is not known. */
enum vcpu_why {
	WHY_NO_RECORD, /* of the thread before */
	WHY_NO_KVM,    /* event of the thread before */
	WHY_NO_ENTRY,
	WHY_NO_EXIT,
	WHY_NO_WAKE,
	WHY_NO_SWITCHES,
	WHY_LOST, /* events, on a CPU: of the host, or of a task the guest's */
	WHY_UNREADABLE,
	WHY_CONTRADICTION,
	WHY_DEAD,
	WHY_TOO_LONG, /* what waits to be known is bounded */
	WHY_END,      /* of the host's records, or of a task the guest's */
	/* Of tasks alone. */
	WHY_NO_CPU, /* there is nothing of it on the host's clock */
	WHY_NOT_BEGUN,
	WHY_NO_TASKS, /* the guest's sched_switch */
};

struct vcpu_why_of {
	uint32_t why; /* enum vcpu_why */
	uint32_t cpu; /* of WHY_LOST: its slot, or the vCPU's own number */
};

struct vcpu_task {
	bool known;
	int64_t pid;
	uint32_t comm;		/* in texts */
	struct vcpu_why_of why; /* where it is not known */
};

/* What may be unknown, in unknown() apart. */
enum vcpu_aspect { ASPECT_STATE, ASPECT_TASK, VCPU_ASPECTS };

struct vcpu_piece {
	uint64_t start, end;
	uint32_t slot;	 /* of the host CPU; NO_SLOT: on none, or not known */
	uint32_t reason; /* in texts; NO_TEXT: none */
	struct vcpu_task task;
	uint8_t kind;		/* enum vcpu_state */
	struct vcpu_why_of why; /* where that is unknown */
};

struct vcpu_thread {
	char *guest;
	int32_t vcpu, host_pid;
	uint32_t slot; /* of the host CPU that it is on; NO_SLOT: of none */
	struct vcpu_task task;
	uint64_t seen;		    /* last record about it */
	uint64_t since;		    /* the open piece begins */
	uint8_t mode;		    /* enum vcpu_mode */
	uint8_t kvm;		    /* enum vcpu_kvm */
	struct vcpu_why_of why;	    /* of MODE_LOST, and MODE_WOKEN after that */
	struct vcpu_why_of kvm_why; /* of KVM_NONE */
	uint32_t forgotten;	    /* how often nothing was known of it any more */
	bool woken;		    /* while it was on a CPU: it may be about to sleep */
	bool has_last;
	uint32_t reason;	/* of the last kvm_exit */
	uint64_t records;	/* of the guest, since the last KVM event */
	struct vcpu_piece last; /* may grow yet */
	struct vcpu_piece *pending;
	size_t pending_count, pending_room;
	size_t undecided, undecided_of[VCPU_KINDS];

	/* Sums. */
	uint64_t inside, checkable;
	uint64_t states[VCPU_STATES];
	bool was_preempted;
	uint64_t preempted_from, preempted_to; /* the last time */
	uint64_t longest_from, longest;	       /* longest 0: never */
	struct {
		uint64_t end;
		struct vcpu_why_of why;
	} unknown[VCPU_ASPECTS]; /* the last time that something was not known */
};

/* An integer in a record. */
struct vcpu_field {
	uint32_t offset, width;
	bool is_signed;
};

enum vcpu_role {
	VCPU_SWITCH = 1,
	VCPU_WAKE,
	VCPU_WAKEUP,
	VCPU_WAKEUP_NEW,
	VCPU_ENTRY,
	VCPU_EXIT,
	VCPU_GUEST_SWITCH,
	/* Of wake-ups alone. */
	VCPU_GUEST_WAKE,
	VCPU_GUEST_WAKEUP,
	VCPU_GUEST_WAKEUP_NEW,
	VCPU_IRQ_ENTRY,
	VCPU_IRQ_EXIT,
	VCPU_SET_IRQ,
	VCPU_MSI_SET_IRQ,
	VCPU_ACCEPT_IRQ,
	VCPU_ROLES,
};
#define VCPU_FIELDS 3

/* Integers of one event, which all have to be there. */
struct vcpu_fields {
	struct vcpu_field fields[VCPU_FIELDS];
	uint32_t size; /* of a record that has them all */
};

/* kvm_exit of the host, and the texts of its reasons. */
struct vcpu_reasons {
	bool has;
	struct vcpu_fields fields;
	const char *field, *second; /* second: isa, esr_ec, or NULL */
	struct trc_value_names *names;
	struct key_map known; /* values */
	uint32_t *texts;      /* [room] */
	size_t room;
	bool has_last;
	uint64_t last[2];
	uint32_t last_text, short_text;
};

/* Numbers by key. */
struct vcpu_sums {
	struct key_map keys; /* of two words */
	struct vcpu_sum {
		uint64_t value, count;
	} *sums; /* [room] */
	size_t room;
};

/* What a source is, and a loss of it that was told. */
struct vcpu_source {
	uint32_t thread; /* whose guest's CPU it is, OF_HOST, or OF_NONE */
	uint32_t slot;	 /* of the host */
	bool begins, ends;
	uint64_t begin, end;
};

/* A task that is known from elsewhere. */
struct vcpu_mark {
	uint64_t ts;
	bool last; /* behind all that has its time, else before it */
	uint32_t thread;
	struct vcpu_task task;
};

struct vcpu_timeline {
	struct trc_analysis base;
	const struct vcpu_answer *answer;
	uint64_t start, end; /* of the host's records */
	bool has_from, has_to;
	uint64_t from, to; /* what rows are cut to */
	bool switches, wakes;
	size_t pending_most;

	struct vcpu_thread *threads; /* [thread_count] */
	size_t thread_count;
	uint32_t *by_pid; /* [pid_slots], a power of two: number + 1, 0: free */
	size_t pid_slots;

	struct vcpu_source *sources; /* [source_count] */
	uint32_t *slot_cpus;	     /* [slot_count]: host CPUs */
	uint32_t *running;	     /* [slot_count]: threads; UINT32_MAX: none that is known */
	uint32_t *lost;		     /* [slot_count]: how many losses go on */
	size_t slot_count, lost_cpus;

	struct vcpu_mark *marks; /* in their order */
	size_t mark_count, next_mark;
	size_t open_losses;  /* sources with begins or ends */
	uint64_t next_event; /* no mark and no part of a loss is earlier */
	uint64_t now;
	bool over; /* the host's records ended */

	struct vcpu_fields host[VCPU_ROLES];
	struct vcpu_reasons reasons;
	struct vcpu_guest {
		bool has;
		struct field_access pid, comm;
		struct vcpu_fields wakes[3]; /* from VCPU_GUEST_WAKE on */
	} *guests;			     /* [file_count] */
	struct text_table texts;
	struct vcpu_sums sums;	  /* of exits: thread and reason; of what is unknown: see vcpu_unknown.c */
	struct vcpu_table *table; /* of vcpu_table_answer */
	struct vcpu_wakeups *wakeups; /* of vcpu_wakeups_answer */
	bool failed;		      /* no memory, or more than the budget */
};

struct vcpu_answer {
	void (*row)(struct vcpu_timeline *timeline, uint32_t thread, const struct vcpu_piece *row);
	/* Before rows are made of them, or, NULL, not. */
	void (*piece)(struct vcpu_timeline *timeline, struct vcpu_thread *thread,
		      const struct vcpu_piece *piece);
	/* After a record of a thread, or, NULL, of none. */
	void (*record)(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		       const struct walk_record *record);
	/* A source has lost events; NULL: no matter. */
	void (*lose)(struct vcpu_timeline *timeline, uint32_t source);
	void (*finish)(struct vcpu_timeline *timeline);
	const struct analysis_column_spec *columns;
	size_t column_count;
};

extern const struct analysis_machine vcpu_machine;
extern const struct vcpu_answer vcpu_intervals_answer, vcpu_summary_answer, vcpu_join_answer,
	vcpu_unknown_answer, vcpu_table_answer, vcpu_wakeups_answer;

/* A piece's time in the window that is asked for; false: none. */
bool vcpu_in_window(const struct vcpu_timeline *timeline, const struct vcpu_piece *piece, uint64_t *start,
		    uint64_t *end);
void vcpu_no_row(struct vcpu_timeline *timeline, uint32_t thread, const struct vcpu_piece *row);
/* Adds to what a key has; where there is no room, that is noted. */
void vcpu_add_sum(struct vcpu_timeline *timeline, const uint64_t key[2], uint64_t value, uint64_t count);

int vcpu_wakeups_create(struct vcpu_timeline *timeline, struct trc_error *err);
void vcpu_wakeups_destroy(struct vcpu_timeline *timeline); /* NULL is fine */
/* Finds the fields that are asked for, and makes columns. */
int vcpu_table_create(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of,
		      struct trc_error *err);
void vcpu_table_destroy(struct vcpu_timeline *timeline); /* NULL is fine */

bool vcpu_add_columns(struct vcpu_timeline *timeline, bool raw_values);

/* --- a thread -------------------------------------------------------------------------------- */

void thread_forget(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts,
		   struct vcpu_why_of why);
void thread_finish(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts);
void thread_observe(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot);
void thread_switch_in(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot);
void thread_switch_out(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot,
		       uint64_t state);
void thread_wake(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts);
void thread_entry(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot);
void thread_exit(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot,
		 uint32_t reason);
void thread_set_task(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts,
		     struct vcpu_task task);

/* --- the host -------------------------------------------------------------------------------- */

/* Of the first vCPU that has such a thread; NULL: there is none. */
struct vcpu_thread *host_thread(const struct vcpu_timeline *timeline, int64_t pid);
/* It is on no CPU. */
void host_leave(struct vcpu_timeline *timeline, const struct vcpu_thread *thread);
/* A host CPU loses events from here on; it has records again. */
void host_lose(struct vcpu_timeline *timeline, uint64_t ts, uint32_t slot, enum vcpu_why why);
void host_find(struct vcpu_timeline *timeline, uint32_t slot);
void host_put(struct vcpu_timeline *timeline, const struct analysis_file *file, uint8_t role, uint64_t ts,
	      const struct walk_record *record);

/* --- fields ---------------------------------------------------------------------------------- */

TRC_INLINE uint64_t vcpu_load(const struct vcpu_field *field, const uint8_t *payload, bool big_endian)
{
	uint64_t value = load_uint(payload + field->offset, field->width, big_endian);
	unsigned unused = 64 - 8 * field->width;

	return field->is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

/* false: the event lacks one, or it is no integer. */
bool vcpu_find_fields(const struct event_format *event, const char *const *names, size_t count,
		      struct vcpu_fields *fields);

int reasons_find(struct vcpu_timeline *timeline, const struct analysis_file *file,
		 const struct event_format *event, struct trc_error *err);
/* A text's number; NO_TEXT: there is no room for it. */
uint32_t reasons_text(struct vcpu_timeline *timeline, const struct walk_record *record, bool big_endian);
void reasons_deinit(struct vcpu_reasons *reasons);

#endif
