/* SPDX-License-Identifier: MIT */
/* Answers that take a state: what was lost, spans, residencies, what tasks did. */
#ifndef TRC_ANALYSIS_API_H
#define TRC_ANALYSIS_API_H

#include "arrow/api.h"
#include "filter/api.h"
#include "records/api.h"

/* [cdef begin] */

/*
 * Analyses: one pass over the records of some streams, of one file or of several, through a state machine
 * whose rows come out in batches, as columns do. An analysis belongs to one thread at a time; what its
 * sources point to must outlive it.
 *
 * Rows come in the order in which they ended, those that are open at the end last. Times are timestamp[ns],
 * durations uint64, in ns.
 */
struct trc_analysis;
enum trc_analysis_flags {
	TRC_ANALYSIS_UINT64_TS = 1,	/* times as plain numbers */
	TRC_ANALYSIS_NO_DICTIONARY = 2, /* all texts plain */
	TRC_ANALYSIS_PEER = 4,		/* a column of the source's peer */
	TRC_ANALYSIS_DURATION_TS = 8,	/* times as durations, from where the clock is 0 */
	TRC_ANALYSIS_UTC_TS = 16,	/* times as those of UTC, which the caller knows they are */
};
struct trc_analysis_source {
	const struct trc_data *data;
	size_t stream;	  /* trc_stream() */
	const char *peer; /* ends in NUL; NULL: none */
};
struct trc_analysis_options {
	uint32_t flags;	     /* enum trc_analysis_flags */
	uint32_t until_last; /* not 0: to the very end of the records */
	uint64_t start, end; /* ns: records with start <= ts < end, and what is cut is cut to these */
	/* Rows of these alone. Which rows are of a CPU or a task, each answer says. */
	uint32_t of_cpus, of_pids; /* 0: of all */
	const uint32_t *cpus;
	size_t cpu_count;
	const int32_t *pids; /* rising */
	size_t pid_count;
	/* Files that count for the types of columns alone, as if there were sources of them. */
	const struct trc_data *const *like;
	size_t like_count;
};

/*
 * Where events were lost, or cannot be read. Columns: cpu uint32; from, to: times of the record before,
 * null: none was read, and of the one after, null: there is none, of any event; count uint64, null: not known; buffer.
 * A loss counts that lies between start and end, or reaches into that. Rows are of a CPU.
 */
int trc_losses_create(const struct trc_analysis_source *sources, size_t count,
		      const struct trc_analysis_options *options, struct trc_analysis **out,
		      struct trc_error *err);

/*
 * Spans: what lies between an event that begins it and the next that ends it with the same key. Of several
 * that are open with one key the last to begin ends first. Columns: start, end, duration, null where the
 * record was not seen; self uint64, the duration without that of spans that began and ended inside this one
 * on the same CPU or task (whichever the key has, else with the same key), null where the duration is; cpu
 * uint32 and pid int32 (common_pid) of the record that begins it, or else of the one that ends it; key and
 * fields by name; lost bool: events were lost between its records, or before the only one, on its CPU where
 * the key has that, else on any; buffer. Spans of different buffers do not meet.
 * Rows are of a CPU and of a task. Of the two events all files but those without both know the fields.
 */
enum trc_span_part_kind {
	TRC_SPAN_CPU = 0,
	TRC_SPAN_PID = 1,   /* common_pid */
	TRC_SPAN_FIELD = 2, /* of both events */
	TRC_SPAN_BEGIN = 3, /* of the event that begins it; not of a key */
	TRC_SPAN_END = 4,   /* of the one that ends it; not of a key */
	/* The name of the event that begins it, or else ends it, without the prefixes begin or end; not of a key. */
	TRC_SPAN_EVENT = 5,
	/*
	 * The name that the caller, or the print format of the event that begins it, gives to the value of the
	 * key whose column is called begin, or null; not of a key.
	 */
	TRC_SPAN_NAMED = 6,
};
struct trc_span_names {
	const int64_t *values;	  /* [count], rising */
	const char *const *names; /* [count] that end in NUL */
	size_t count;
};
struct trc_span_part {
	uint32_t kind;	   /* enum trc_span_part_kind */
	const char *name;  /* of the column, where it is a field; ends in NUL */
	const char *begin; /* the field's name in the event that begins it; ends in NUL */
	const char *end;   /* and in the one that ends it */
};
enum trc_span_limits {
	TRC_SPAN_KEYS = 8,
	TRC_SPAN_FIELDS = 64,
};
struct trc_spans_options {
	const char *begin, *end; /* events, "SYSTEM:NAME", or several with commas; end in NUL */
	const struct trc_span_part *keys;
	size_t key_count;
	const struct trc_span_part *fields;
	size_t field_count;
	/* Of each source: names of values, or NULL, in memory that outlives the analysis; NULL: of none. */
	const struct trc_span_names *const *names;
};
/*
 * TRC_NOT_FOUND: no file has events of both sides, or an event of a file with both lacks a field.
 * TRC_ARGUMENT: of several events of one side a field is not at one place.
 */
int trc_spans_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_spans_options *spans,
		     struct trc_analysis **out, struct trc_error *err);

/*
 * Jobs: what is queued, started and ended by events of one key, and may be cancelled while it waits. Of a key
 * one may wait while another is done. Columns: queued, start, end: times, null where there is no such record;
 * waited, duration uint64 between them; cpu uint32, pid int32 (common_pid) of the record that starts it, else
 * of the one that ends it, else that queues it; queued_cpu, queued_pid; keys and fields by name, the latter of
 * the first record that has one; with a cancel event cancelled: time when it was, or was queued anew, instead
 * of being started; lost bool: events were lost since it was queued, or before it started unqueued, on any CPU;
 * buffer. Rows are of a CPU and of a task.
 */
enum trc_job_field_kind {
	TRC_JOB_VALUE = 0,
	TRC_JOB_SYMBOL = 1, /* the name of the symbol that the address is in, else that in hex */
};
enum trc_job_step {
	TRC_JOB_QUEUE = 1,
	TRC_JOB_START = 2,
	TRC_JOB_END = 4,
};
struct trc_job_field {
	uint32_t kind; /* enum trc_job_field_kind */
	uint32_t of; /* enum trc_job_step, several: the events that it is taken from, as far as they have it */
	uint32_t is_text;  /* not 0: it is one, where no event has it */
	const char *field; /* these end in NUL */
	const char *name;  /* of the column; NULL: as the field */
};
enum trc_job_limits {
	TRC_JOB_KEYS = 4,
	TRC_JOB_FIELDS = 32,
};
struct trc_jobs_options {
	const char *queue, *start, *end,
		*cancel;	 /* "SYSTEM:NAME", end in NUL; queue, cancel: NULL, or not in a file */
	const char *const *keys; /* fields of all these events */
	size_t key_count;
	const struct trc_job_field *fields;
	size_t field_count;
	const struct trc_symbols *const *symbols; /* [count] of each source's file; NULL: none */
};
/* TRC_NOT_FOUND: no file has events that start and end it, or an event lacks a key. */
int trc_jobs_create(const struct trc_analysis_source *sources, size_t count,
		    const struct trc_analysis_options *options, const struct trc_jobs_options *of,
		    struct trc_analysis **out, struct trc_error *err);

/*
 * How often events happened. Columns: pid int32 (common_pid); name, the saved one; event, its name without the
 * system; function, of the symbol that its field is an address in, and address uint64, the symbol's, or itself
 * where it is in none, both null of TASK; count uint64; first, last: times; lost bool: events were lost, so that
 * there may have been more; buffer. Rows come at the end, the most frequent first; those counted are of a CPU.
 */
enum trc_counts_by {
	TRC_COUNTS_BY_TASK = 0,	    /* and event */
	TRC_COUNTS_BY_FUNCTION = 1, /* and these */
};
struct trc_counts_options {
	uint32_t by;		   /* enum trc_counts_by */
	const char *const *events; /* "SYSTEM:NAME", at most 200; end in NUL */
	size_t event_count;
	const char *address;			  /* of FUNCTION: a field of all of them; ends in NUL */
	const struct trc_symbols *const *symbols; /* [count] of each source's file; NULL: none */
};
/* TRC_NOT_FOUND: no file has any of the events, or one has no such field. */
int trc_counts_create(const struct trc_analysis_source *sources, size_t count,
		      const struct trc_analysis_options *options, const struct trc_counts_options *of,
		      struct trc_analysis **out, struct trc_error *err);

/*
 * How long a field had which value, by another field of the event. Columns: key, value (each by the name
 * given); start; end, duration, null for what a key had last; cpu uint32, of the record it began with; lost
 * bool: events were lost meanwhile, on that CPU where it records of itself alone, else on any; buffer. What a key had before its first record is not known, and has no row. Rows are of a CPU.
 */
struct trc_residency_options {
	const char *event;		   /* "SYSTEM:NAME"; all end in NUL */
	const char *key, *value;	   /* fields */
	const char *key_name, *value_name; /* of the columns */
	uint32_t of_itself;		   /* not 0: the key is the number of the CPU that records */
};
/* TRC_NOT_FOUND: no file has the event, or one with it lacks a field. */
int trc_residency_create(const struct trc_analysis_source *sources, size_t count,
			 const struct trc_analysis_options *options, const struct trc_residency_options *of,
			 struct trc_analysis **out, struct trc_error *err);

/*
 * What tasks do, from sched_switch, and as far as they were recorded sched_waking, sched_wakeup,
 * sched_wakeup_new, sched_migrate_task, task_rename and sched_process_exec. Files without sched_switch tell
 * nothing. What was lost, and what contradicts itself, makes states unknown.
 */
struct trc_sched_wait {
	uint64_t woken, run; /* ns */
	int32_t pid, waker;
	uint32_t cpu; /* that it ran on then */
	uint32_t rank;
	const char *name; /* ends in NUL */
};
struct trc_sched_options {
	uint32_t kind;			   /* enum trc_sched_kind */
	size_t most;			   /* LATENCY: so many of the longest, those first; 0: all */
	const struct trc_sched_wait *wait; /* HOLDERS: outlives the analysis; else NULL */
};
enum trc_sched_kind {
	/*
	 * Rows are time in one state, never none. Columns: pid int32; name; state: unknown, running, runnable,
	 * preempted, sleeping, blocked, stopped, traced, dead, zombie, parked or idle; start; end; duration;
	 * cpu uint32, that it runs on, waits for or ran on, null: not known, as in all rows of unknown; waker int32, of runnable after a
	 * wake-up, else null. The states of each task fill the time from start to end. So do for each CPU the
	 * rows of running, those of pid 0 included, with rows without pid and name, of state unknown.
	 */
	TRC_SCHED_STATES = 0,
	/*
	 * A row for each task but 0, the longest running first. Columns: pid, name (its last); running,
	 * runnable, preempted, sleeping, blocked, other, unknown: uint64, ns, whose sum is the time from start
	 * to end; slices, migrations uint64: how often it began to run, and on another CPU than before.
	 */
	TRC_SCHED_TASKS = 1,
	/* From wake-ups to running. Columns: pid, name, waker, cpu, woken, run (times), latency uint64. */
	TRC_SCHED_LATENCY = 2,
	/*
	 * How many tasks each CPU had to run. Columns: cpu, start, end, duration, nr_running uint32, exact
	 * bool: it is all of them; else it is those that are known of, after a loss or at the beginning, until
	 * the CPU was idle.
	 */
	TRC_SCHED_NR_RUNNING = 3,
	/*
	 * A row for each time that a task was awake: from its wake-up, or from when it is known to run, to when it
	 * slept, died, or is not known any more. Columns: pid, name; start, run, end: times; latency uint64, from
	 * start to run where there is a waker; lost bool, it is not known what it did at end; cpu, that it ran on
	 * first; target_cpu, of the record, as waker int32, waker_name, waker_cpu, context (task, softirq, hardirq
	 * or nmi, by common_flags) and event (the record's name). Null: cpu and run of a task that did not run
	 * meanwhile, or nobody knows when; end of one that is awake at the end; what is of the record, where the
	 * wake-up is not known; target_cpu and context that the record does not tell.
	 */
	TRC_SCHED_WAKERS = 4,
	/*
	 * Who ran on the CPU that a task waited for, of one wait of LATENCY: of sources of its file, from when it
	 * was woken on; what comes after it ran is read only as far as that takes. Columns: rank and those of
	 * LATENCY, as given; by_pid int32, 0: idle, and by_name, null: not known; held uint64, ns, the longest
	 * first, and what is not known last. Their sum is the latency.
	 */
	TRC_SCHED_HOLDERS = 5,
};
int trc_sched_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_sched_options *of,
		     struct trc_analysis **out, struct trc_error *err);

/*
 * What was written into trace_marker, from ftrace:print. Columns: start, end, duration, as of spans; cpu, pid
 * as of spans; kind: mark, slice ("B|PID|NAME" to "E", of one task), async ("S|PID|NAME|COOKIE" to "F|..."),
 * or counter ("C|PID|NAME|VALUE"); process uint32, the PID in the text, or null; name: null of an "E" alone,
 * of a mark the whole text, or NAME of "I|PID|NAME"; value int64 of a counter; lost; buffer.
 */
int trc_markers_create(const struct trc_analysis_source *sources, size_t count,
		       const struct trc_analysis_options *options, struct trc_analysis **out,
		       struct trc_error *err);

/*
 * What each vCPU of a host's guests did: the host's sched_switch, sched_waking, sched_wakeup, sched_wakeup_new,
 * kvm_entry and kvm_exit, as far as they were recorded, and the guests' sched_switch. Sources of the host and
 * of its guests, all on one clock. Of each vCPU the rows fill the time from start to end.
 *
 * Columns: guest; vcpu, host_pid, host_cpu int32, the last null where the thread is on none, or that is not
 * known; start, end int64; state: running-in-guest, running-in-host, preempted, blocked or unknown; guest_pid
 * int32 and guest_comm, the guest's task, or null; exit_reason, of running-in-host, or null. Rows come as it
 * gets known what they are, those of a vCPU in order. The analysis' own options choose no rows.
 *
 * TRC_VCPU_SUMMARY: instead of these sums at the end. Columns: of uint32, a place in vcpus; what and name:
 * state and its name, longest and preempted, records and inside or checkable, exit and its reason; value
 * uint64; since uint64, when the longest preemption began, else null.
 *
 * TRC_VCPU_UNKNOWN: instead sums of what is not known, from first to last, at the end. Columns: of; what: state,
 * or task, the guest's; reason, a text; value uint64 ns; count uint64, of stretches of time.
 *
 * TRC_VCPU_JOIN: instead a row for each record, what is known when it is made. Columns: of uint32, the vCPU
 * that a guest's record was made on, or whose thread made the host's, or null; host_cpu int32, guest_pid int64
 * and guest_comm of that, or null. A walk over the same streams and event_ids gives the records, in this order.
 *
 * TRC_VCPU_TABLE: instead a row for each record that is wanted, from first to last, but those of the host that no
 * vCPU's thread made. Columns: ts; event; peer; cpu uint32; pid int32; guest; vcpu int32; host_cpu, host_pid int32,
 * null: the thread is on none, or that is not known; guest_pid int32, guest_comm, null: not known; the fields by
 * name, null: the event has no such field.
 *
 * TRC_VCPU_WAKEUPS: instead a row for each task of a guest that began to run after it was woken, from first to last.
 * Columns: guest; vcpu int32, that it ran on; pid int32; name; woken, run: times in the guest; latency uint64, ns
 * from begun, or else woken, to run; source: the event in the host that it began with; begun; host_cpu, waker int32,
 * where that was, and the task there; vcpu_woken, vcpu_run, entry: times of the thread of the vCPU that woke it. All
 * from source on are null where unknown says why the chain cannot be told; entry also where there is no kvm_entry.
 */
enum trc_vcpu_flags {
	TRC_VCPU_SUMMARY = 1,
	TRC_VCPU_SWITCHES = 2,	  /* the host recorded sched_switch */
	TRC_VCPU_WAKES = 4,	  /* and also wake-ups */
	TRC_VCPU_FROM = 8,	  /* rows are cut to first */
	TRC_VCPU_TO = 16,	  /* rows are cut to last */
	TRC_VCPU_RAW_VALUES = 32, /* texts are bytes as they are, start and end uint64 */
	TRC_VCPU_JOIN = 64,
	TRC_VCPU_UNKNOWN = 128,
	TRC_VCPU_TABLE = 256,
	TRC_VCPU_WAKEUPS = 512,
};
struct trc_vcpu {
	const char *guest; /* ends in NUL, as comm does */
	int32_t vcpu, host_pid;
	uint64_t begin, end;   /* ns: of the guest's records */
	uint32_t has_switches; /* not 0: the guest's CPU recorded sched_switch */
	uint32_t has_task;     /* not 0: it ran this task from begin on, as the first of these says */
	int64_t pid;
	const char *comm;
};
struct trc_vcpu_options {
	uint32_t flags;	      /* enum trc_vcpu_flags */
	uint64_t start, end;  /* ns: of the host's records */
	uint64_t first, last; /* ns: what rows are cut to */
	size_t pending_most;  /* pieces of a vCPU that wait to be known; 0: as many as is usual */
	const struct trc_vcpu *vcpus;
	size_t vcpu_count;
	/*
	 * Of each source: the place in vcpus of the one that it is the CPU of, UINT32_MAX: the host's, or
	 * UINT32_MAX - 1: a guest's of which nothing is known.
	 */
	const uint32_t *vcpu_of;
	/* Of each source, the same of all of a file: TRC_EVENT_ID_BYTES, or NULL: all. NULL: what it takes. */
	const uint8_t *const *event_ids;
	/* TABLE: of each source events and a filter that rows are of; NULL: all, of one or of any. */
	const uint8_t *const *wanted;
	const struct trc_filter *const *filters;
	const char *const *fields, *const *field_names; /* and their columns; end in NUL */
	size_t field_count;
};
/* TRC_LIMIT: times that are no int64. TRC_ARGUMENT: a field is neither a number nor a text. */
int trc_vcpus_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_vcpu_options *of,
		     struct trc_analysis **out, struct trc_error *err);

/*
 * Calls and stacks. Calls are of funcgraph_entry or fgraph_retaddr_entry, and funcgraph_exit, of one task, on
 * the idle task's of one CPU; they took from calltime to rettime where the exit has these, else from record
 * to record. Nothing is guessed: what has only one of its records, or may have lost some inside, is counted
 * alone. Rows are of the CPU that a call began on, and of a task.
 */
struct trc_calls_options {
	uint32_t kind;		     /* enum trc_calls_kind */
	uint32_t by;		     /* enum trc_calls_by */
	const char *reason, *second; /* EXITS: fields of kvm_exit; end in NUL; second NULL: none */
	const struct trc_symbols *const *symbols; /* [count] of each source's file; NULL: none */
};
enum trc_calls_kind {
	/*
	 * A row for each function, and what else it is asked by, that of the most time first. Columns: name, of
	 * its symbol, else its address in hex; address uint64; parent, parent_address, null: not known, or
	 * none; pid, task; cpu; calls; total, self, without that of callees, min, max, p50, p90 and p99, within
	 * 1/128 of the exact ones: uint64 ns of these calls; unmatched: records of calls that have one alone, or
	 * contradict others; lost: calls with both, but maybe not with all between them. Calls of the event
	 * function have rows of their own, with neither times nor these two.
	 */
	TRC_CALLS_FUNCTIONS = 0,
	/*
	 * Of the others a row is a node of a tree of stacks, after the one it is called by. Columns: node;
	 * parent, uint32, null: none; name; address, null: no function's; weight, count and lost uint64: its
	 * own, without those below it. SELF: ns of calls, without callees. OFFCPU: ns from one sched_switch of a
	 * task to another, by the kernel_stack right behind the first, else by task. SAMPLES: of kernel_stack,
	 * each weighs 1.
	 */
	TRC_CALLS_SELF = 1,
	TRC_CALLS_OFFCPU = 2,
	TRC_CALLS_SAMPLES = 3,
	/*
	 * As FUNCTIONS, of a thread's kvm_exit to its next kvm_entry: address is the reason, or where there is a
	 * second field 32 bits of it, with 32 of that above them; unmatched, those without an entry.
	 */
	TRC_CALLS_EXITS = 4,
};
enum trc_calls_by {
	TRC_CALLS_BY_PARENT = 1, /* of FUNCTIONS */
	TRC_CALLS_BY_TASK = 2,	 /* the roots of stacks are these */
	TRC_CALLS_BY_CPU = 4,
};
int trc_calls_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_calls_options *of,
		     struct trc_analysis **out, struct trc_error *err);

/*
 * Why vCPUs left their guests, as an event like kvm_exit names it; what it is made of must outlive it. Any
 * thread may ask.
 */
struct trc_exit_reasons;
int trc_exit_reasons_create(const struct trc_metadata *metadata, size_t event, struct trc_exit_reasons **out,
			    struct trc_error *err);
void trc_exit_reasons_destroy(struct trc_exit_reasons *reasons); /* NULL is fine */
/* The field that says the reason (0), and the one that it takes to know what that means (1); NULL: none. */
const char *trc_exit_reasons_field(const struct trc_exit_reasons *reasons, size_t index);
/*
 * The text of a reason, or its number, by these fields' values; gives its size, without a NUL. What does not
 * fit is not written. 0: the event has no such fields.
 */
size_t trc_exit_reasons_text(const struct trc_exit_reasons *reasons, uint64_t value, uint64_t second,
			     char *text, size_t size);

void trc_analysis_destroy(struct trc_analysis *analysis); /* NULL is fine */

/* As trc_columns_schema(). */
int trc_analysis_schema(const struct trc_analysis *analysis, struct ArrowSchema *out, struct trc_error *err);

/*
 * As trc_columns_next(); but a batch has more than max_rows where a single record, or the end, makes many.
 * TRC_LIMIT: what is open at once takes more memory than the file's budget.
 */
int trc_analysis_next(struct trc_analysis *analysis, size_t max_rows, struct ArrowArray *out,
		      struct trc_error *err);

/* As trc_walk_problem_count() and its like. */
size_t trc_analysis_problem_count(const struct trc_analysis *analysis);
int trc_analysis_problem(const struct trc_analysis *analysis, size_t index, struct trc_error *problem);
void trc_analysis_progress(const struct trc_analysis *analysis, uint64_t *done, uint64_t *total);

/* [cdef end] */

#endif
