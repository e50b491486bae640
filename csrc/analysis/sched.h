/* SPDX-License-Identifier: MIT */
/*
 * What tasks do, from the scheduler's events. One machine follows tasks and CPUs; what it finds, pieces of
 * time in one state, goes to an answer: each answer is a file.
 *
 * Nothing is guessed. What a task does is known from a record on, until another one of it; unless events
 * are lost: on the CPU that the task runs on, or on any while it runs on none, as whatever CPU lost some may
 * have woken or run it. Records that contradict each other make what lies between them unknown.
 */
#ifndef TRC_ANALYSIS_SCHED_H
#define TRC_ANALYSIS_SCHED_H

#include "analysis/value.h"

#define COMM_SIZE 16
#define NO_CPU UINT32_MAX
#define NO_TASK UINT32_MAX
#define IDLE_TASK (UINT32_MAX - 1) /* of a CPU: pid 0 is on all of them */

enum task_state {
	TASK_UNKNOWN,
	TASK_RUNNING,
	TASK_RUNNABLE,	/* woken, or gave way: waits for a CPU */
	TASK_PREEMPTED, /* waits for one again */
	TASK_SLEEPING,
	TASK_BLOCKED, /* uninterruptible */
	TASK_STOPPED,
	TASK_TRACED,
	TASK_DEAD,
	TASK_ZOMBIE,
	TASK_PARKED,
	TASK_IDLE, /* a kernel thread's sleep that counts as no load */
	TASK_STATES,
};

struct task {
	uint64_t since;	    /* ns: in its state */
	uint64_t gaps_seen; /* of its group, when that began */
	int32_t pid;
	int32_t waker; /* where has_waker: who woke it, while it is runnable */
	uint32_t group;
	uint32_t source;   /* some CPU's of its file */
	uint32_t cpu;	   /* that it runs on, or ran on, or waits for; or NO_CPU */
	uint32_t on;	   /* the source whose CPU it runs on, while it does */
	uint32_t last_run; /* the CPU that it ran on last, or NO_CPU */
	uint8_t state;	   /* enum task_state */
	bool has_waker, has_comm;
	char comm[COMM_SIZE];	/* NULs after it */
	struct row_number name; /* of that; or of the saved one */
};

/* What runs on the CPU of a source. */
struct cpu_run {
	uint32_t task; /* or IDLE_TASK; NO_TASK: not known */
	uint64_t since;
	uint64_t gapless; /* ns: since then all records are there */
};

/* A buffer of a file: all that its CPUs share. */
struct sched_group {
	uint64_t *gaps; /* [gap_count] beginnings, in the order in which they were told */
	size_t gap_count, gap_room;
	uint64_t gap_until; /* ns: no gap that was told ends later */
	uint32_t unknown_cpus;
	uint64_t last; /* ns: of its last record, of any event; 0: it has none */
};

enum sched_role {
	SCHED_SWITCH = 1,
	SCHED_WAKING,
	SCHED_WAKEUP,
	SCHED_WAKEUP_NEW,
	SCHED_MIGRATE,
	SCHED_RENAME,
	SCHED_EXEC,
	SCHED_ROLES,
};
enum sched_switch_field { PREV_PID, PREV_STATE, PREV_COMM, NEXT_PID, NEXT_COMM, SWITCH_FIELDS };
enum sched_wake_field { WAKE_PID, WAKE_COMM, WAKE_CPU, WAKE_SUCCESS, WAKE_FIELDS };

/* Where a file's events have what is needed. */
struct sched_places {
	struct event_place pid, flags;
	struct value_place of_switch[SWITCH_FIELDS];
	struct value_place of_wake[SCHED_ROLES][WAKE_FIELDS]; /* by role; of RENAME, EXEC and MIGRATE as well */
	uint8_t states[64];				      /* by bit of prev_state, or 0 */
};

/* Time in one state, never none. task NULL: a CPU of which nobody knows what it ran. */
struct sched_piece {
	struct task *task;
	int32_t pid;  /* where there is a task, or 0 */
	bool is_idle; /* of pid 0 */
	uint32_t source;
	uint32_t cpu; /* or NO_CPU */
	uint8_t state;
	uint64_t from, to;
};

struct sched;

/* A wake-up that was recorded. */
struct sched_wake {
	uint8_t role;	     /* enum sched_role */
	bool begins;	     /* the task waits for a CPU since then; else it did so before, or runs */
	uint32_t source;     /* whose CPU recorded it */
	uint32_t target_cpu; /* or NO_CPU */
	int32_t pid;	     /* of the record: who woke it, or was interrupted by what did */
	bool has_flags;
	uint8_t flags; /* common_flags */
};

/* Functions that are NULL are not called; they give nothing back, as rows note a lack of memory. */
struct sched_answer {
	bool (*init)(struct sched *sched); /* columns, and memory; false: out of memory */
	void (*piece)(struct sched *sched, const struct sched_piece *piece);
	/* A task begins to run on a CPU; woken: it waited for that since it was woken. */
	void (*run)(struct sched *sched, struct task *task, uint32_t cpu, bool woken);
	/* Its state, or the CPU it waits for, changed from these. */
	void (*change)(struct sched *sched, const struct task *task, uint8_t state, uint32_t cpu);
	/* After the change that it made. */
	void (*wake)(struct sched *sched, struct task *task, const struct sched_wake *wake);
	void (*idle)(struct sched *sched, uint32_t source); /* a CPU has nothing to run */
	/* From now on only what runs is known. */
	void (*lose)(struct sched *sched, uint32_t group);
	/* A task of which it is not known whether it runs may wait for a CPU. */
	void (*doubt)(struct sched *sched, uint32_t group);
	bool (*finish)(struct sched *sched);
	void (*deinit)(struct sched *sched);
};

struct sched {
	struct trc_analysis base;
	const struct sched_answer *answer;
	struct sched_places *places; /* [file_count] */
	struct key_map map;	     /* of group and pid */
	struct task *tasks;	     /* [task_room] */
	size_t task_room;
	struct cpu_run *cpus; /* [source_count] */
	struct sched_group *groups;
	uint64_t now;
	bool hindsight; /* a task is found to run that began to do so before now, who knows when */
	const struct trc_sched_wait *wait; /* that is asked about, in the caller's memory, or NULL */
	size_t most;			   /* rows that are wanted; 0: all */
	void *memory;			   /* the answer's */
};

/* sched_create.c */
int sched_find_events(struct sched *sched, struct trc_error *err);
int sched_find_edges(struct sched *sched, struct trc_error *err);
void sched_deinit(struct trc_analysis *analysis);

/* sched.c */
extern const struct analysis_machine sched_machine;

extern const struct sched_answer task_states_answer, task_sums_answer, latency_answer, nr_running_answer,
	wakers_answer, holders_answer;

/* A task's name as it is known, the saved one last. */
struct text sched_name(const struct sched *sched, const struct task *task);
/* The same by number, "<idle>" of 0. */
struct text sched_name_of(const struct sched *sched, uint32_t source, int32_t pid);
void sched_set_name(struct task *task, const uint8_t *bytes, size_t size);
struct text sched_state_name(uint8_t state);

TRC_INLINE uint64_t sched_task_key(uint32_t group, int32_t pid)
{
	return (uint64_t)group << 32 | (uint32_t)pid;
}

/* Of all tasks, as key_map numbers them. */
TRC_INLINE size_t sched_task_count(const struct sched *sched)
{
	return sched->map.count;
}

#endif
