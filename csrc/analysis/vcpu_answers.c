/* SPDX-License-Identifier: MIT */
/* What becomes of the pieces: rows, or sums. */
#include <stdlib.h>
#include <string.h>

#include "analysis/vcpu.h"

static const char *const states[VCPU_STATES] = {
	[VCPU_GUEST] = "running-in-guest", [VCPU_HOST] = "running-in-host", [VCPU_PREEMPTED] = "preempted",
	[VCPU_BLOCKED] = "blocked",	   [VCPU_UNKNOWN] = "unknown",
};

static struct text text_of(const char *string)
{
	return (struct text){ string, strlen(string) };
}

bool vcpu_in_window(const struct vcpu_timeline *timeline, const struct vcpu_piece *piece, uint64_t *start,
		    uint64_t *end)
{
	*start = piece->start;
	*end = piece->end;
	if (timeline->has_from && *start < timeline->from)
		*start = timeline->from;
	if (timeline->has_to && *end > timeline->to)
		*end = timeline->to;
	return *start < *end;
}

void vcpu_no_row(struct vcpu_timeline *timeline, uint32_t thread, const struct vcpu_piece *row)
{
	(void)timeline;
	(void)thread;
	(void)row;
}

/* --- intervals ------------------------------------------------------------------------------- */

enum { GUEST, VCPU, HOST_PID, HOST_CPU, START, END, STATE, GUEST_PID, GUEST_COMM, EXIT_REASON };

#define COLUMN_I64 { .shape = SHAPE_INTEGER, .width = 8, .is_signed = true }

static const struct analysis_column_spec interval_columns[] = {
	[GUEST] = { "guest", COLUMN_TEXT, false },
	[VCPU] = { "vcpu", COLUMN_I32, false },
	[HOST_PID] = { "host_pid", COLUMN_I32, false },
	[HOST_CPU] = { "host_cpu", COLUMN_I32, true },
	[START] = { "start", COLUMN_I64, false },
	[END] = { "end", COLUMN_I64, false },
	[STATE] = { "state", COLUMN_TEXT, false },
	[GUEST_PID] = { "guest_pid", COLUMN_I32, true },
	[GUEST_COMM] = { "guest_comm", COLUMN_TEXT, true },
	[EXIT_REASON] = { "exit_reason", COLUMN_TEXT, true },
};

static void put_interval(struct vcpu_timeline *timeline, uint32_t number, const struct vcpu_piece *row)
{
	struct trc_analysis *base = &timeline->base;
	const struct vcpu_thread *thread = &timeline->threads[number];
	uint64_t start, end;

	if (!vcpu_in_window(timeline, row, &start, &end))
		return;
	row_text(base, GUEST, text_of(thread->guest));
	row_u32(base, VCPU, (uint32_t)thread->vcpu);
	row_u32(base, HOST_PID, (uint32_t)thread->host_pid);
	if (row->slot == NO_SLOT)
		row_null(base, HOST_CPU);
	else
		row_u32(base, HOST_CPU, timeline->slot_cpus[row->slot]);
	row_u64(base, START, start);
	row_u64(base, END, end);
	row_text(base, STATE, text_of(states[row->kind]));
	if (row->task.known) {
		row_u32(base, GUEST_PID, (uint32_t)row->task.pid);
		row_text(base, GUEST_COMM, timeline->texts.texts[row->task.comm]);
	} else {
		row_null(base, GUEST_PID);
		row_null(base, GUEST_COMM);
	}
	if (row->reason == NO_TEXT)
		row_null(base, EXIT_REASON);
	else
		row_text(base, EXIT_REASON, timeline->texts.texts[row->reason]);
	row_end(base);
}

const struct vcpu_answer vcpu_intervals_answer = {
	put_interval, NULL, NULL, NULL, NULL, interval_columns, countof(interval_columns),
};

void vcpu_add_sum(struct vcpu_timeline *timeline, const uint64_t key[2], uint64_t value, uint64_t count)
{
	struct vcpu_sums *sums = &timeline->sums;
	size_t room = sums->room ? 2 * sums->room : 64;
	struct vcpu_sum *grown = NULL;
	bool added;
	uint32_t number = key_map_add(&sums->keys, &timeline->base, key, &added);

	if (number != KEY_NONE && number >= sums->room) {
		if (analysis_spend(&timeline->base, (room - sums->room) * sizeof(*grown)))
			grown = realloc(sums->sums, room * sizeof(*grown));
		if (grown) {
			sums->sums = grown;
			sums->room = room;
		}
	}
	if (number == KEY_NONE || number >= sums->room) {
		timeline->failed = true;
		return;
	}
	if (added)
		sums->sums[number] = (struct vcpu_sum){ 0, 0 };
	sums->sums[number].value += value;
	sums->sums[number].count += count;
}

/* --- sums ------------------------------------------------------------------------------------ */

enum { OF, WHAT, NAME, VALUE, SINCE };

static const struct analysis_column_spec sum_columns[] = {
	[OF] = { "of", COLUMN_U32, false },	 [WHAT] = { "what", COLUMN_TEXT, false },
	[NAME] = { "name", COLUMN_TEXT, false }, [VALUE] = { "value", COLUMN_U64, false },
	[SINCE] = { "since", COLUMN_U64, true },
};

static void add_interval(struct vcpu_timeline *timeline, uint32_t number, const struct vcpu_piece *row)
{
	struct vcpu_thread *thread = &timeline->threads[number];

	thread->states[row->kind] += row->end - row->start;
	if (row->kind != VCPU_PREEMPTED)
		return;
	/* Rows of several tasks may be one preemption. */
	if (!thread->was_preempted || thread->preempted_to != row->start)
		thread->preempted_from = row->start;
	thread->was_preempted = true;
	thread->preempted_to = row->end;
	if (row->end - thread->preempted_from > thread->longest) {
		thread->longest_from = thread->preempted_from;
		thread->longest = row->end - thread->preempted_from;
	}
}

static void put_sum(struct vcpu_timeline *timeline, size_t of, const char *what, struct text name,
		    uint64_t value)
{
	struct trc_analysis *base = &timeline->base;

	row_u32(base, OF, (uint32_t)of);
	row_text(base, WHAT, text_of(what));
	row_text(base, NAME, name);
	row_u64(base, VALUE, value);
	row_null(base, SINCE);
	row_end(base);
}

static void put_longest(struct vcpu_timeline *timeline, size_t of)
{
	struct trc_analysis *base = &timeline->base;
	const struct vcpu_thread *thread = &timeline->threads[of];

	row_u32(base, OF, (uint32_t)of);
	row_text(base, WHAT, text_of("longest"));
	row_text(base, NAME, text_of(states[VCPU_PREEMPTED]));
	row_u64(base, VALUE, thread->longest);
	row_u64(base, SINCE, thread->longest_from);
	row_end(base);
}

static void put_sums(struct vcpu_timeline *timeline)
{
	for (size_t i = 0; i < timeline->thread_count; i++) {
		const struct vcpu_thread *thread = &timeline->threads[i];

		for (size_t state = 0; state < VCPU_STATES; state++)
			put_sum(timeline, i, "state", text_of(states[state]), thread->states[state]);
		if (thread->longest)
			put_longest(timeline, i);
		put_sum(timeline, i, "records", TEXT("inside"), thread->inside);
		put_sum(timeline, i, "records", TEXT("checkable"), thread->checkable);
	}
	for (uint32_t i = 0; i < timeline->sums.keys.count; i++) {
		const uint64_t *key = key_map_key(&timeline->sums.keys, i);

		put_sum(timeline, (size_t)key[0], "exit", timeline->texts.texts[key[1]],
			timeline->sums.sums[i].count);
	}
}

const struct vcpu_answer vcpu_summary_answer = {
	add_interval, NULL, NULL, NULL, put_sums, sum_columns, countof(sum_columns),
};

/* --- records --------------------------------------------------------------------------------- */

enum { RECORD_OF, RECORD_CPU, RECORD_PID, RECORD_COMM };

static const struct analysis_column_spec record_columns[] = {
	[RECORD_OF] = { "of", COLUMN_U32, true },
	[RECORD_CPU] = { "host_cpu", COLUMN_I32, true },
	[RECORD_PID] = { "guest_pid", COLUMN_I64, true },
	[RECORD_COMM] = { "guest_comm", COLUMN_TEXT, true },
};

static void put_record(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		       const struct walk_record *record)
{
	struct trc_analysis *base = &timeline->base;
	bool known = thread && thread->task.known;

	(void)record;
	if (thread)
		row_u32(base, RECORD_OF, (uint32_t)(thread - timeline->threads));
	else
		row_null(base, RECORD_OF);
	if (thread && thread->slot != NO_SLOT)
		row_u32(base, RECORD_CPU, timeline->slot_cpus[thread->slot]);
	else
		row_null(base, RECORD_CPU);
	row_optional_u64(base, RECORD_PID, known, known ? (uint64_t)thread->task.pid : 0);
	if (known)
		row_text(base, RECORD_COMM, timeline->texts.texts[thread->task.comm]);
	else
		row_null(base, RECORD_COMM);
	row_end(base);
}

const struct vcpu_answer vcpu_join_answer = {
	vcpu_no_row, NULL, put_record, NULL, NULL, record_columns, countof(record_columns),
};

/* --- columns --------------------------------------------------------------------------------- */

bool vcpu_add_columns(struct vcpu_timeline *timeline, bool raw_values)
{
	const struct vcpu_answer *answer = timeline->answer;

	for (size_t i = 0; i < answer->column_count; i++) {
		const struct analysis_column_spec *spec = &answer->columns[i];
		struct column_type type = spec->type;

		type.binary = raw_values && type.shape == SHAPE_TEXT;
		if (raw_values && type.width == 8 && answer == &vcpu_intervals_answer)
			type.is_signed = false;
		if (!analysis_add_column(&timeline->base, spec->name, type, spec->nullable))
			return false;
	}
	return true;
}
