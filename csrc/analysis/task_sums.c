/* SPDX-License-Identifier: MIT */
/* What each task did altogether: sums over its pieces of time. */
#include <stdlib.h>
#include <string.h>

#include "analysis/sched.h"

enum { PID, NAME, RUNNING, RUNNABLE, PREEMPTED, SLEEPING, BLOCKED, OTHER, UNKNOWN, SLICES, MIGRATIONS };
#define SUMS (UNKNOWN - RUNNING + 1)

struct task_sum {
	uint32_t task;
	bool has; /* it has a piece that is wanted */
	uint64_t ns[SUMS];
	uint64_t slices, migrations;
};

struct task_sums {
	struct task_sum *list; /* [room] by number of the task */
	size_t room;
};

static bool init(struct sched *sched)
{
	static const struct analysis_column_spec columns[] = {
		[PID] = { "pid", COLUMN_I32, false },
		[NAME] = { "name", COLUMN_TEXT, false },
		[RUNNING] = { "running", COLUMN_U64, false },
		[RUNNABLE] = { "runnable", COLUMN_U64, false },
		[PREEMPTED] = { "preempted", COLUMN_U64, false },
		[SLEEPING] = { "sleeping", COLUMN_U64, false },
		[BLOCKED] = { "blocked", COLUMN_U64, false },
		[OTHER] = { "other", COLUMN_U64, false },
		[UNKNOWN] = { "unknown", COLUMN_U64, false },
		[SLICES] = { "slices", COLUMN_U64, false },
		[MIGRATIONS] = { "migrations", COLUMN_U64, false },
	};

	sched->memory = calloc(1, sizeof(struct task_sums));
	return sched->memory && analysis_add_columns(&sched->base, columns, countof(columns));
}

/* A task's sum; NULL: there is no memory. */
static struct task_sum *sum_of(struct sched *sched, const struct task *task)
{
	struct task_sums *sums = sched->memory;
	uint32_t number = (uint32_t)(task - sched->tasks);
	size_t room = sched->task_room;
	struct task_sum *grown = NULL;

	if (number < sums->room)
		return &sums->list[number];
	if (analysis_spend(&sched->base, (room - sums->room) * sizeof(*grown)))
		grown = realloc(sums->list, room * sizeof(*grown));
	if (!grown) {
		sched->base.no_memory = true;
		return NULL;
	}
	memset(grown + sums->room, 0, (room - sums->room) * sizeof(*grown));
	sums->list = grown;
	sums->room = room;
	return &sums->list[number];
}

static bool is_wanted(const struct trc_analysis *base, uint32_t cpu, int32_t pid)
{
	if (base->of_cpus && (cpu == NO_CPU || !analysis_wants_cpu(base, cpu)))
		return false;
	return analysis_wants_pid(base, pid);
}

static void put_piece(struct sched *sched, const struct sched_piece *piece)
{
	static const uint8_t places[TASK_STATES] = {
		[TASK_UNKNOWN] = UNKNOWN,     [TASK_RUNNING] = RUNNING,	  [TASK_RUNNABLE] = RUNNABLE,
		[TASK_PREEMPTED] = PREEMPTED, [TASK_SLEEPING] = SLEEPING, [TASK_BLOCKED] = BLOCKED,
		[TASK_STOPPED] = OTHER,	      [TASK_TRACED] = OTHER,	  [TASK_DEAD] = OTHER,
		[TASK_ZOMBIE] = OTHER,	      [TASK_PARKED] = OTHER,	  [TASK_IDLE] = SLEEPING,
	};
	struct task_sum *sum;

	if (!piece->task || !is_wanted(&sched->base, piece->cpu, piece->pid) ||
	    !(sum = sum_of(sched, piece->task)))
		return;
	sum->has = true;
	sum->ns[places[piece->state] - RUNNING] += piece->to - piece->from;
}

static void run(struct sched *sched, struct task *task, uint32_t cpu, bool woken)
{
	struct task_sum *sum;

	(void)woken;
	if (!is_wanted(&sched->base, cpu, task->pid) || !(sum = sum_of(sched, task)))
		return;
	sum->has = true;
	sum->slices++;
	sum->migrations += task->last_run != NO_CPU && task->last_run != cpu;
}

/* The most time on a CPU first; then in the order in which they came. */
static int compare(const void *a, const void *b)
{
	const struct task_sum *left = a, *right = b;

	if (left->ns[0] != right->ns[0])
		return left->ns[0] < right->ns[0] ? 1 : -1;
	return (left->task > right->task) - (left->task < right->task);
}

static bool finish(struct sched *sched)
{
	struct trc_analysis *base = &sched->base;
	struct task_sums *sums = sched->memory;
	size_t count = sums->room < sched_task_count(sched) ? sums->room : sched_task_count(sched);

	for (size_t i = 0; i < count; i++)
		sums->list[i].task = (uint32_t)i;
	if (count)
		qsort(sums->list, count, sizeof(*sums->list), compare);
	for (size_t i = 0; i < count; i++) {
		const struct task_sum *sum = &sums->list[i];
		const struct task *task = &sched->tasks[sum->task];

		if (!sum->has)
			continue;
		row_u32(base, PID, (uint32_t)task->pid);
		row_text(base, NAME, sched_name(sched, task));
		for (size_t state = 0; state < SUMS; state++)
			row_u64(base, RUNNING + state, sum->ns[state]);
		row_u64(base, SLICES, sum->slices);
		row_u64(base, MIGRATIONS, sum->migrations);
		row_peer(base, task->source);
		row_end(base);
	}
	return true;
}

static void deinit(struct sched *sched)
{
	struct task_sums *sums = sched->memory;

	if (sums)
		free(sums->list);
}

const struct sched_answer task_sums_answer = {
	.init = init,
	.piece = put_piece,
	.run = run,
	.finish = finish,
	.deinit = deinit,
};
