/* SPDX-License-Identifier: MIT */
/*
 * Who woke whom: a row for each time that a task was awake. Whoever walks back from one to the one that its
 * waker was awake in finds the chain that led to it; so a time of which nothing is known must end a row.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/function_table.h"
#include "analysis/sched.h"

enum {
	PID,
	NAME,
	START,
	RUN,
	LATENCY,
	END,
	LOST,
	CPU,
	TARGET_CPU,
	WAKER,
	WAKER_NAME,
	WAKER_CPU,
	CONTEXT,
	EVENT,
};

/* Bits of common_flags: include/linux/trace_events.h, TRACE_FLAG_... */
enum { FLAG_HARDIRQ = 0x08, FLAG_SOFTIRQ = 0x10, FLAG_NMI = 0x40 };

/* How a task is awake, while it is. */
struct awake {
	uint64_t start, run;
	struct sched_wake wake; /* where has_waker */
	uint32_t cpu;		/* that it ran on first */
	bool is_awake, has_waker;
	bool ran;     /* since then */
	bool has_run; /* and it is known from when on */
	uint8_t waker_name_size;
	char waker_name[COMM_SIZE];
};

struct wakers {
	void *tasks; /* struct awake [room] */
	size_t room;
};

static bool init(struct sched *sched)
{
	static const struct analysis_column_spec columns[] = {
		[PID] = { "pid", COLUMN_I32, false },
		[NAME] = { "name", COLUMN_TEXT, false },
		[START] = { "start", COLUMN_TIME, false },
		[RUN] = { "run", COLUMN_TIME, true },
		[LATENCY] = { "latency", COLUMN_U64, true },
		[END] = { "end", COLUMN_TIME, true },
		[LOST] = { "lost", COLUMN_BOOL, false },
		[CPU] = { "cpu", COLUMN_U32, true },
		[TARGET_CPU] = { "target_cpu", COLUMN_U32, true },
		[WAKER] = { "waker", COLUMN_I32, true },
		[WAKER_NAME] = { "waker_name", COLUMN_TEXT, true },
		[WAKER_CPU] = { "waker_cpu", COLUMN_U32, true },
		[CONTEXT] = { "context", COLUMN_TEXT, true },
		[EVENT] = { "event", COLUMN_TEXT, true },
	};

	sched->memory = calloc(1, sizeof(struct wakers));
	return sched->memory && analysis_add_columns(&sched->base, columns, countof(columns));
}

/* NULL: there is no memory, which is noted. */
static struct awake *awake_of(struct sched *sched, const struct task *task)
{
	struct wakers *wakers = sched->memory;
	size_t number = (size_t)(task - sched->tasks);

	while (number >= wakers->room) {
		if (!grow_by_number(&sched->base, &wakers->tasks, &wakers->room, wakers->room,
				    sizeof(struct awake))) {
			sched->base.no_memory = true;
			return NULL;
		}
	}
	return (struct awake *)wakers->tasks + number;
}

/* --- rows ------------------------------------------------------------------------------------ */

static struct text context_of(uint8_t flags)
{
	if (flags & FLAG_NMI)
		return TEXT("nmi");
	if (flags & FLAG_HARDIRQ)
		return TEXT("hardirq");
	return flags & FLAG_SOFTIRQ ? TEXT("softirq") : TEXT("task");
}

static struct text event_of(uint8_t role)
{
	if (role == SCHED_WAKING)
		return TEXT("sched_waking");
	return role == SCHED_WAKEUP ? TEXT("sched_wakeup") : TEXT("sched_wakeup_new");
}

static void row_optional_u32(struct trc_analysis *base, size_t column, bool has, uint32_t value)
{
	if (has)
		row_u32(base, column, value);
	else
		row_null(base, column);
}

static void row_optional_text(struct trc_analysis *base, size_t column, bool has, struct text text)
{
	if (has)
		row_text(base, column, text);
	else
		row_null(base, column);
}

static void row_waker(struct trc_analysis *base, const struct awake *awake)
{
	const struct sched_wake *wake = &awake->wake;
	bool has = awake->has_waker;

	row_optional_u32(base, TARGET_CPU, has && wake->target_cpu != NO_CPU, wake->target_cpu);
	row_optional_u32(base, WAKER, has, (uint32_t)wake->pid);
	row_optional_text(base, WAKER_NAME, has, (struct text){ awake->waker_name, awake->waker_name_size });
	row_optional_u32(base, WAKER_CPU, has, has ? base->sources[wake->source].cpu : 0);
	row_optional_text(base, CONTEXT, has && wake->has_flags, context_of(wake->flags));
	row_optional_text(base, EVENT, has, event_of(wake->role));
}

static void put_row(struct sched *sched, const struct task *task, const struct awake *awake, bool has_end,
		    uint64_t end, bool lost)
{
	struct trc_analysis *base = &sched->base;

	if (!awake->has_waker && has_end && end <= awake->start)
		return; /* nothing is known */
	if (!analysis_wants_pid(base, task->pid) ||
	    (base->of_cpus && (!awake->has_run || !analysis_wants_cpu(base, awake->cpu))))
		return;
	row_u32(base, PID, (uint32_t)task->pid);
	row_text(base, NAME, sched_name(sched, task));
	row_u64(base, START, awake->start);
	row_optional_u64(base, RUN, awake->has_run, awake->run);
	row_optional_u64(base, LATENCY, awake->has_run && awake->has_waker, awake->run - awake->start);
	row_optional_u64(base, END, has_end, end);
	row_bool(base, LOST, lost);
	row_optional_u32(base, CPU, awake->has_run, awake->cpu);
	row_waker(base, awake);
	row_peer(base, task->source);
	row_end(base);
}

/* --- what tasks do --------------------------------------------------------------------------- */

static bool is_awake(uint8_t state)
{
	return state == TASK_RUNNING || state == TASK_RUNNABLE || state == TASK_PREEMPTED;
}

static void change(struct sched *sched, const struct task *task, uint8_t state, uint32_t cpu)
{
	struct awake *awake = awake_of(sched, task);

	(void)state;
	(void)cpu;
	if (!awake)
		return;
	if (!is_awake(task->state)) {
		if (awake->is_awake)
			put_row(sched, task, awake, true, task->since, task->state == TASK_UNKNOWN);
		awake->is_awake = false;
		return;
	}
	/* Without a wake-up it ran already, if it does not begin to. */
	if (!awake->is_awake)
		*awake = (struct awake){
			.is_awake = true,
			.start = task->since,
			.ran = task->state != TASK_RUNNING,
		};
	if (task->state != TASK_RUNNING || awake->ran)
		return;
	awake->ran = true;
	awake->has_run = !sched->hindsight;
	awake->run = task->since;
	awake->cpu = task->cpu;
}

static void wake(struct sched *sched, struct task *task, const struct sched_wake *wake)
{
	struct awake *awake = wake->begins ? awake_of(sched, task) : NULL;
	struct text name;

	if (!awake)
		return;
	/* Another task has the number of one that is said to be awake. */
	if (awake->is_awake && (awake->start != sched->now || awake->has_waker))
		put_row(sched, task, awake, true, sched->now, true);
	name = sched_name_of(sched, wake->source, wake->pid);
	*awake = (struct awake){
		.start = sched->now,
		.wake = *wake,
		.is_awake = true,
		.has_waker = true,
		.waker_name_size = (uint8_t)(name.size < COMM_SIZE ? name.size : COMM_SIZE),
	};
	if (name.size)
		memcpy(awake->waker_name, name.start, awake->waker_name_size);
}

static bool finish(struct sched *sched)
{
	for (size_t i = 0; i < sched_task_count(sched); i++) {
		const struct awake *awake = awake_of(sched, &sched->tasks[i]);

		if (!awake)
			return false;
		if (awake->is_awake)
			put_row(sched, &sched->tasks[i], awake, false, 0, false);
	}
	return true;
}

static void deinit(struct sched *sched)
{
	struct wakers *wakers = sched->memory;

	if (wakers)
		free(wakers->tasks);
}

const struct sched_answer wakers_answer = {
	.init = init,
	.change = change,
	.wake = wake,
	.finish = finish,
	.deinit = deinit,
};
