/* SPDX-License-Identifier: MIT */
/* sched_switch and sched_wakeup, which also tell the report names of processes. docs/FORMAT.md 6.5. */
#include "report/event_handler.h"

/* --- names of processes ------------------------------------------------------------------- */

static void remember(struct event_run *run, unsigned pid, unsigned comm)
{
	if (!run->event->found[pid] || !run->event->found[comm])
		return;
	if (!comm_table_add(run->comms, (int32_t)run_number(run, pid), run_text(run, comm)))
		run->no_memory = true;
}

/* "COMM:" in front of the pid. */
static void put_comm(struct event_run *run, unsigned pid, unsigned comm)
{
	if (!run->event->found[comm])
		return;
	output_text(run->out, run_text(run, comm));
	output_char(run->out, ':');
	remember(run, pid, comm);
}

/* "[PRIO]" between two texts. */
static void put_prio(struct event_run *run, const char *before, unsigned prio, const char *behind)
{
	if (!run->event->found[prio]) {
		run_missing(run, prio);
		return;
	}
	output_bytes(run->out, before, strlen(before));
	output_char(run->out, '[');
	output_signed(run->out, (int32_t)run_number(run, prio));
	output_char(run->out, ']');
	output_bytes(run->out, behind, strlen(behind));
}

/* --- sched_switch ------------------------------------------------------------------------ */

enum { PREV_PID, PREV_COMM, PREV_PRIO, PREV_STATE, NEXT_PID, NEXT_COMM, NEXT_PRIO };

/* Letters of the bits of prev_state, from the event's own __print_flags; old kernels have none. */
void sched_prepare(struct event_text *event)
{
	static const char usual[] = "SDTtXZPI";
	const struct print_fmt *program = event->program;
	const struct expr *flags = NULL;

	for (uint32_t i = 0; i < program->expr_count && !flags; i++)
		if (program->exprs[i].code == EXPR_FLAGS)
			flags = &program->exprs[i];
	memset(event->states, 0, sizeof(event->states));
	if (!flags) {
		memcpy(event->states, usual, sizeof(usual) - 1);
		return;
	}
	for (uint32_t i = 0; i < flags->count; i++) {
		const struct entry *entry = &program->entries[flags->first + i];

		for (unsigned bit = 0; bit < 64 && entry->name.size; bit++)
			if (entry->value == UINT64_C(1) << bit)
				event->states[bit] = entry->name.start[0];
	}
}

static void put_state(struct event_run *run)
{
	uint64_t state = run_number(run, PREV_STATE);
	bool found = false;

	for (unsigned bit = 0; state; bit++, state >>= 1) {
		if (!(state & 1) || !run->event->states[bit])
			continue;
		if (found)
			output_char(run->out, '|');
		output_char(run->out, run->event->states[bit]);
		found = true;
	}
	if (!found)
		output_char(run->out, 'R');
}

static bool run_switch(struct event_run *run)
{
	struct output *out = run->out;

	if (run_lacks(run, PREV_PID, 1))
		return false;
	put_comm(run, PREV_PID, PREV_COMM);
	output_decimal(out, run_number(run, PREV_PID));
	output_char(out, ' ');
	put_prio(run, "", PREV_PRIO, " ");
	if (run->event->found[PREV_STATE])
		put_state(run);
	output_literal(out, " ==> ");
	if (run_lacks(run, NEXT_PID, 1))
		return false;
	put_comm(run, NEXT_PID, NEXT_COMM);
	output_decimal(out, run_number(run, NEXT_PID));
	put_prio(run, " ", NEXT_PRIO, "");
	return true;
}

/* --- sched_wakeup ------------------------------------------------------------------------ */

enum { PID, COMM, PRIO, SUCCESS, TARGET_CPU };

static bool run_wakeup(struct event_run *run)
{
	struct output *out = run->out;

	if (run_lacks(run, PID, 1))
		return false;
	put_comm(run, PID, COMM);
	output_decimal(out, run_number(run, PID));
	if (run->event->found[PRIO]) {
		output_literal(out, " [");
		output_decimal(out, run_number(run, PRIO));
		output_char(out, ']');
	} else {
		run_missing(run, PRIO);
	}
	if (run->event->found[SUCCESS])
		run_decimal(run, " success=", SUCCESS);
	if (run->event->found[TARGET_CPU]) {
		struct number_format format = { .letter = 'u', .width = 3, .zero = true };

		output_literal(out, " CPU:");
		output_number(out, &format, run_number(run, TARGET_CPU));
	}
	return true;
}

#define WAKEUP_FIELDS { "pid", "comm", "prio", "success", "target_cpu" }

const struct event_handler sched_handlers[] = {
	{ .system = "sched",
	  .name = "sched_switch",
	  .run = run_switch,
	  .fields = { "prev_pid", "prev_comm", "prev_prio", "prev_state", "next_pid", "next_comm",
		      "next_prio" } },
	{ .system = "sched", .name = "sched_wakeup", .run = run_wakeup, .fields = WAKEUP_FIELDS },
	{ .system = "sched", .name = "sched_wakeup_new", .run = run_wakeup, .fields = WAKEUP_FIELDS },
	{ 0 },
};
