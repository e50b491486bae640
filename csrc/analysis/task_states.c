/* SPDX-License-Identifier: MIT */
/* What each task did when: the pieces of time as rows. */
#include <stdlib.h>
#include <string.h>

#include "analysis/sched.h"

enum { PID, NAME, STATE, START, END, DURATION, CPU, WAKER };

/* Numbers of what is put again and again. */
struct known_texts {
	struct row_number states[TASK_STATES], idle;
};

static bool init(struct sched *sched)
{
	static const struct analysis_column_spec columns[] = {
		[PID] = { "pid", COLUMN_I32, true },	   [NAME] = { "name", COLUMN_TEXT, true },
		[STATE] = { "state", COLUMN_TEXT, false }, [START] = { "start", COLUMN_TIME, false },
		[END] = { "end", COLUMN_TIME, false },	   [DURATION] = { "duration", COLUMN_U64, false },
		[CPU] = { "cpu", COLUMN_U32, true },	   [WAKER] = { "waker", COLUMN_I32, true },
	};

	sched->memory = calloc(1, sizeof(struct known_texts));
	return sched->memory && analysis_add_columns(&sched->base, columns, countof(columns));
}

static bool is_wanted(const struct trc_analysis *base, const struct sched_piece *piece)
{
	if (base->of_cpus && (piece->cpu == NO_CPU || !analysis_wants_cpu(base, piece->cpu)))
		return false;
	return !base->of_pids || ((piece->task || piece->is_idle) && analysis_wants_pid(base, piece->pid));
}

static void put_piece(struct sched *sched, const struct sched_piece *piece)
{
	struct trc_analysis *base = &sched->base;
	struct known_texts *known = sched->memory;
	struct task *task = piece->task;

	if (!is_wanted(base, piece))
		return;
	if (task) {
		row_u32(base, PID, (uint32_t)piece->pid);
		row_known_text(base, NAME, &task->name, sched_name(sched, task));
	} else if (piece->is_idle) {
		row_u32(base, PID, 0);
		row_known_text(base, NAME, &known->idle, TEXT("<idle>"));
	} else {
		row_null(base, PID);
		row_null(base, NAME);
	}
	row_known_text(base, STATE, &known->states[piece->state], sched_state_name(piece->state));
	row_u64(base, START, piece->from);
	row_u64(base, END, piece->to);
	row_u64(base, DURATION, piece->to - piece->from);
	if (piece->cpu == NO_CPU)
		row_null(base, CPU);
	else
		row_u32(base, CPU, piece->cpu);
	if (task && piece->state == TASK_RUNNABLE && task->has_waker)
		row_u32(base, WAKER, (uint32_t)task->waker);
	else
		row_null(base, WAKER);
	row_peer(base, piece->source);
	row_end(base);
}

const struct sched_answer task_states_answer = { .init = init, .piece = put_piece };
