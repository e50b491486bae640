/* SPDX-License-Identifier: MIT */
#include "analysis/sched.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "columns/field.h"

#define FIRST_TASKS 64

/* --- tasks ----------------------------------------------------------------------------------- */

/* A task's number; NO_TASK: there is no room. The array may move. */
static uint32_t task_of(struct sched *sched, uint32_t source, int32_t pid)
{
	uint32_t group = sched->base.sources[source].group;
	uint64_t key = sched_task_key(group, pid);
	bool added;
	uint32_t number = key_map_add(&sched->map, &sched->base, &key, &added);

	if (!added)
		return number;
	if (number >= sched->task_room) {
		struct task *grown = NULL;

		if (analysis_spend(&sched->base, (sched->task_room + FIRST_TASKS) * sizeof(*grown)))
			grown = array_grow(sched->tasks, &sched->task_room, FIRST_TASKS, sizeof(*grown));
		if (!grown)
			return NO_TASK;
		sched->tasks = grown;
	}
	sched->tasks[number] = (struct task){
		.since = sched->base.start,
		.pid = pid,
		.group = group,
		.source = source,
		.cpu = NO_CPU,
		.last_run = NO_CPU,
	};
	return number;
}

static struct sched_group *group_of(struct sched *sched, const struct task *task)
{
	return &sched->groups[task->group];
}

/* --- pieces ---------------------------------------------------------------------------------- */

static void put_piece(struct sched *sched, struct task *task, uint8_t state, uint64_t from, uint64_t to)
{
	const struct sched_piece piece = {
		.task = task,
		.pid = task->pid,
		.source = task->source,
		.cpu = state == TASK_UNKNOWN ? NO_CPU : task->cpu, /* it may be on any */
		.state = state,
		.from = from,
		.to = to,
	};

	if (from < to && sched->answer->piece)
		sched->answer->piece(sched, &piece);
}

/* Of a CPU alone: idle, or not known. */
static void put_cpu_piece(struct sched *sched, uint32_t source, bool idle, uint64_t from, uint64_t to)
{
	const struct sched_piece piece = {
		.is_idle = idle,
		.source = source,
		.cpu = sched->base.sources[source].cpu,
		.state = idle ? TASK_RUNNING : TASK_UNKNOWN,
		.from = from,
		.to = to,
	};

	if (from < to && sched->answer->piece)
		sched->answer->piece(sched, &piece);
}

/* --- states ---------------------------------------------------------------------------------- */

/* Whether a CPU that loses events may change it unseen. */
static bool is_touched(uint8_t state)
{
	return state != TASK_RUNNING && state != TASK_DEAD && state != TASK_ZOMBIE;
}

static void set_state(struct sched *sched, struct task *task, uint8_t state, uint32_t cpu)
{
	uint8_t old_state = task->state;
	uint32_t old_cpu = task->cpu;

	task->state = state;
	task->cpu = cpu;
	if (sched->answer->change && (old_state != state || old_cpu != cpu))
		sched->answer->change(sched, task, old_state, old_cpu);
}

/* What it is known to do ends at a time from which on nothing is known. */
static void forget(struct sched *sched, struct task *task, uint64_t from)
{
	if (task->state == TASK_UNKNOWN)
		return;
	if (from < task->since)
		from = task->since;
	put_piece(sched, task, task->state, task->since, from);
	task->since = from;
	set_state(sched, task, TASK_UNKNOWN, task->cpu);
}

/* Gaps that were told since its state began and that touch it. */
static void settle(struct sched *sched, struct task *task)
{
	const struct sched_group *group = group_of(sched, task);

	if (TRC_UNLIKELY(group->gap_count > task->gaps_seen) && is_touched(task->state))
		forget(sched, task, group->gaps[task->gaps_seen]);
}

/* A new state from now on, on a CPU. */
static void begin_state(struct sched *sched, struct task *task, uint8_t state, uint32_t cpu)
{
	const struct sched_group *group = group_of(sched, task);

	if (TRC_UNLIKELY(group->gap_until > sched->now) && is_touched(state))
		state = TASK_UNKNOWN;
	if (state == TASK_UNKNOWN && task->state == TASK_UNKNOWN) {
		set_state(sched, task, state, cpu);
		return;
	}
	put_piece(sched, task, task->state, task->since, sched->now);
	task->since = sched->now;
	task->gaps_seen = group->gap_count;
	set_state(sched, task, state, cpu);
}

/* --- CPUs ------------------------------------------------------------------------------------ */

/* The CPU may have run anything from a time on; the task that it ran is on its own. */
static void forget_run(struct sched *sched, uint32_t source, uint64_t from)
{
	struct cpu_run *run = &sched->cpus[source];

	if (run->task == NO_TASK)
		return;
	if (from < run->since)
		from = run->since;
	if (run->task == IDLE_TASK)
		put_cpu_piece(sched, source, true, run->since, from);
	run->since = from;
	run->task = NO_TASK;
	sched->groups[sched->base.sources[source].group].unknown_cpus++;
}

/* It is said to run on a CPU, and something else contradicts that: neither is known since it began. */
static void disbelieve(struct sched *sched, struct task *task)
{
	if (task->state == TASK_RUNNING && sched->cpus[task->on].task == (uint32_t)(task - sched->tasks))
		forget_run(sched, task->on, 0);
	/* Since it began: nothing was put of that so far. */
	set_state(sched, task, TASK_UNKNOWN, task->cpu);
	if (sched->answer->doubt)
		sched->answer->doubt(sched, task->group);
}

/* What a CPU of which nothing was known ran until now: the one that it leaves, since it has all records. */
static void end_unknown_run(struct sched *sched, uint32_t source, struct task *prev)
{
	struct cpu_run *run = &sched->cpus[source];
	uint64_t from = run->gapless > run->since ? run->gapless : run->since;
	uint32_t cpu = sched->base.sources[source].cpu;
	bool contradicts = false;

	if (prev) {
		settle(sched, prev);
		contradicts = prev->state == TASK_RUNNING ||
			      (prev->state != TASK_UNKNOWN && prev->state != TASK_RUNNABLE &&
			       prev->since > from);
		if (prev->state == TASK_RUNNING)
			disbelieve(sched, prev);
		from = prev->since > from ? prev->since : from;
	}
	if (contradicts || from > sched->now)
		from = sched->now;
	put_cpu_piece(sched, source, false, run->since, from);
	if (!prev) {
		put_cpu_piece(sched, source, true, from, sched->now);
		return;
	}
	put_piece(sched, prev, TASK_UNKNOWN, prev->since, from);
	prev->since = from;
	sched->hindsight = true;
	if (!contradicts && sched->answer->run)
		sched->answer->run(sched, prev, cpu, false);
	prev->last_run = cpu;
	set_state(sched, prev, contradicts ? TASK_UNKNOWN : TASK_RUNNING, cpu);
	sched->hindsight = false;
}

/* It leaves the CPU: prev NULL is the idle task. */
static void end_run(struct sched *sched, uint32_t source, uint32_t number)
{
	struct cpu_run *run = &sched->cpus[source];
	struct task *prev = number == IDLE_TASK ? NULL : &sched->tasks[number];

	if (run->task == NO_TASK) {
		end_unknown_run(sched, source, prev);
		sched->groups[sched->base.sources[source].group].unknown_cpus--;
		return;
	}
	if (TRC_LIKELY(run->task == number)) {
		if (!prev)
			put_cpu_piece(sched, source, true, run->since, sched->now);
		return;
	}
	if (run->task != IDLE_TASK)
		disbelieve(sched, &sched->tasks[run->task]);
	put_cpu_piece(sched, source, false, run->since, sched->now);
	if (run->task == NO_TASK)
		sched->groups[sched->base.sources[source].group].unknown_cpus--;
	if (prev) {
		settle(sched, prev);
		disbelieve(sched, prev);
	}
}

/* The CPU's former task is not on it any more. */
static void begin_run(struct sched *sched, uint32_t source, uint32_t number)
{
	struct cpu_run *run = &sched->cpus[source];
	uint32_t cpu = sched->base.sources[source].cpu;
	struct task *next;

	run->since = sched->now;
	if (number == IDLE_TASK) {
		run->task = number;
		if (sched->answer->idle)
			sched->answer->idle(sched, source);
		return;
	}
	next = &sched->tasks[number];
	if (next->state == TASK_RUNNING)
		disbelieve(sched, next);
	if (sched->answer->run)
		sched->answer->run(sched, next, cpu, next->state == TASK_RUNNABLE && next->has_waker);
	begin_state(sched, next, TASK_RUNNING, cpu);
	run->task = number;
	next->on = source;
	next->last_run = cpu;
	next->has_waker = false;
}

/* --- fields ---------------------------------------------------------------------------------- */

/* The record at hand. */
struct sched_record {
	const struct walk_record *record;
	const struct sched_places *places;
	bool big_endian;
};

static bool number_in(const struct sched_record *at, const struct value_place *place, int64_t *value)
{
	const struct field_access *access = &place->access;

	if (!place->has || at->record->size < access->width ||
	    access->offset > at->record->size - access->width)
		return false;
	*value = (int64_t)value_integer(access, at->record->payload, at->big_endian);
	return true;
}

static bool text_in(const struct sched_record *at, const struct value_place *place, const uint8_t **bytes,
		    uint32_t *size)
{
	const uint8_t *nul;

	if (!place->has || !column_find_bytes(at->record->payload, at->record->size, &place->access,
					      at->big_endian, bytes, size))
		return false;
	nul = *size ? memchr(*bytes, 0, *size) : NULL;
	*size = nul ? (uint32_t)(nul - *bytes) : *size;
	return true;
}

/* Whether a field of the usual kind has the very name that is known. */
static bool has_name(const struct sched_record *at, const struct value_place *place, const struct task *task)
{
	const struct field_access *access = &place->access;

	return task->has_comm && place->has && access->extent == EXTENT_FIXED && access->size == COMM_SIZE &&
	       at->record->size >= COMM_SIZE && access->offset <= at->record->size - COMM_SIZE &&
	       !memcmp(at->record->payload + access->offset, task->comm, COMM_SIZE);
}

static void take_name(struct sched *sched, const struct sched_record *at, const struct value_place *place,
		      uint32_t number)
{
	const uint8_t *bytes;
	uint32_t size;

	if (number == IDLE_TASK || has_name(at, place, &sched->tasks[number]))
		return;
	if (text_in(at, place, &bytes, &size))
		sched_set_name(&sched->tasks[number], bytes, size);
}

static uint8_t state_of(const struct sched_places *places, uint64_t bits)
{
	for (unsigned bit = 0; bit < 64 && bits >> bit; bit++) {
		if (bits >> bit & 1 && places->states[bit])
			return places->states[bit];
	}
	return bits ? TASK_PREEMPTED : TASK_RUNNABLE;
}

static bool task_in(struct sched *sched, const struct sched_record *at, int64_t pid, uint32_t *number)
{
	const struct cpu_run *run = &sched->cpus[at->record->source];

	if (!pid)
		*number = IDLE_TASK;
	else if (run->task < IDLE_TASK && sched->tasks[run->task].pid == (int32_t)pid)
		*number = run->task;
	else
		*number = task_of(sched, at->record->source, (int32_t)pid);
	return *number != NO_TASK;
}

/* --- losses ---------------------------------------------------------------------------------- */

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	struct sched *sched = (struct sched *)analysis;
	struct sched_group *group = &sched->groups[analysis->sources[source].group];
	struct cpu_run *run = &sched->cpus[source];
	uint64_t from = gap->has_from && gap->from > analysis->start ? gap->from : analysis->start;

	if (group->gap_count == group->gap_room) {
		uint64_t *grown = NULL;

		if (analysis_spend(analysis, (group->gap_room + FIRST_TASKS) * sizeof(*grown)))
			grown = array_grow(group->gaps, &group->gap_room, FIRST_TASKS, sizeof(*grown));
		if (!grown)
			return false;
		group->gaps = grown;
	}
	if (from > sched->now)
		sched->now = from;
	group->gaps[group->gap_count++] = from;
	if (gap->to > group->gap_until)
		group->gap_until = gap->to;
	if (run->task < IDLE_TASK)
		forget(sched, &sched->tasks[run->task], from);
	forget_run(sched, source, from);
	if (gap->to > run->gapless)
		run->gapless = gap->to;
	if (sched->answer->lose)
		sched->answer->lose(sched, analysis->sources[source].group);
	return true;
}

/* A record that cannot be read is as good as lost. */
static bool lose_now(struct sched *sched, uint32_t source)
{
	const struct walk_gap gap = { .from = sched->now, .to = sched->now, .has_from = true, .count = 1 };

	return lose(&sched->base, source, &gap);
}

/* --- switches and wakes ---------------------------------------------------------------------- */

static bool put_switch(struct sched *sched, const struct sched_record *at)
{
	const struct value_place *places = at->places->of_switch;
	uint32_t source = at->record->source, prev, next;
	int64_t prev_pid, next_pid, bits;

	if (!number_in(at, &places[PREV_PID], &prev_pid) || !number_in(at, &places[NEXT_PID], &next_pid))
		return lose_now(sched, source);
	if (!task_in(sched, at, prev_pid, &prev) || !task_in(sched, at, next_pid, &next))
		return false;
	if (prev != IDLE_TASK)
		settle(sched, &sched->tasks[prev]);
	take_name(sched, at, &places[PREV_COMM], prev);
	end_run(sched, source, prev);
	sched->cpus[source].task = IDLE_TASK; /* nobody's */
	if (prev != IDLE_TASK) {
		struct task *task = &sched->tasks[prev];
		bool known = number_in(at, &places[PREV_STATE], &bits);

		task->has_waker = false;
		begin_state(sched, task, known ? state_of(at->places, (uint64_t)bits) : TASK_UNKNOWN,
			    sched->base.sources[source].cpu);
	}
	if (next != IDLE_TASK)
		settle(sched, &sched->tasks[next]);
	take_name(sched, at, &places[NEXT_COMM], next);
	begin_run(sched, source, next);
	return true;
}

/* Whether the wake means that it waits for a CPU from now on. */
static bool is_woken(const struct sched *sched, const struct task *task, uint8_t role)
{
	if (role == SCHED_WAKEUP_NEW)
		return true;
	if (task->state == TASK_RUNNING || task->state == TASK_RUNNABLE || task->state == TASK_PREEMPTED)
		return false;
	/* It may be running where nobody knows what is, and be woken for nothing. */
	return task->state != TASK_UNKNOWN || !sched->groups[task->group].unknown_cpus;
}

/* It waits for another CPU, or will run on another. */
static void move(struct sched *sched, struct task *task, uint32_t cpu)
{
	set_state(sched, task, task->state, cpu);
	if (task->state == TASK_UNKNOWN && sched->answer->doubt)
		sched->answer->doubt(sched, task->group);
}

static void tell_wake(struct sched *sched, const struct sched_record *at, uint8_t role, struct task *task,
		      bool begins)
{
	const struct walk_record *record = at->record;
	int64_t target;
	struct sched_wake wake = {
		.role = role,
		.begins = begins,
		.source = record->source,
		.target_cpu = NO_CPU,
		.pid = record_pid(at->places->pid, at->big_endian, record->payload, record->size),
		.has_flags = place_fits(at->places->flags, record->size),
	};

	if (number_in(at, &at->places->of_wake[role][WAKE_CPU], &target) && target >= 0)
		wake.target_cpu = (uint32_t)target;
	if (wake.has_flags)
		wake.flags = (uint8_t)load_uint(record->payload + at->places->flags.offset,
						at->places->flags.size, at->big_endian);
	sched->answer->wake(sched, task, &wake);
}

static bool put_wake(struct sched *sched, const struct sched_record *at, uint8_t role)
{
	const struct value_place *places = at->places->of_wake[role];
	int64_t pid, success, target;
	struct task *task;
	uint32_t number, cpu;

	if (!number_in(at, &places[WAKE_PID], &pid))
		return lose_now(sched, at->record->source);
	if (!pid || (number_in(at, &places[WAKE_SUCCESS], &success) && !success))
		return true;
	number = task_of(sched, at->record->source, (int32_t)pid);
	if (number == NO_TASK)
		return false;
	task = &sched->tasks[number];
	settle(sched, task);
	take_name(sched, at, &places[WAKE_COMM], number);
	if (role == SCHED_WAKEUP_NEW && task->state == TASK_RUNNING)
		disbelieve(sched, task);
	cpu = number_in(at, &places[WAKE_CPU], &target) && target >= 0 ? (uint32_t)target : task->cpu;
	if (!is_woken(sched, task, role)) {
		if (task->state != TASK_RUNNING)
			move(sched, task, cpu);
		if (sched->answer->wake)
			tell_wake(sched, at, role, task, false);
		return true;
	}
	begin_state(sched, task, TASK_RUNNABLE, cpu);
	task->waker = record_pid(at->places->pid, at->big_endian, at->record->payload, at->record->size);
	task->has_waker = task->state == TASK_RUNNABLE;
	if (sched->answer->wake)
		tell_wake(sched, at, role, task, task->has_waker);
	return true;
}

static bool put_migration(struct sched *sched, const struct sched_record *at)
{
	const struct value_place *places = at->places->of_wake[SCHED_MIGRATE];
	int64_t pid, target;
	uint32_t number;

	if (!number_in(at, &places[WAKE_PID], &pid) || !pid || !number_in(at, &places[WAKE_CPU], &target) ||
	    target < 0)
		return true;
	number = task_of(sched, at->record->source, (int32_t)pid);
	if (number == NO_TASK)
		return false;
	settle(sched, &sched->tasks[number]);
	if (sched->tasks[number].state != TASK_RUNNING)
		move(sched, &sched->tasks[number], (uint32_t)target);
	return true;
}

/* A new name; of exec the end of the path. */
static bool put_name(struct sched *sched, const struct sched_record *at, uint8_t role)
{
	const struct value_place *places = at->places->of_wake[role];
	const uint8_t *bytes;
	uint32_t number, size;
	int64_t pid;

	if (!number_in(at, &places[WAKE_PID], &pid))
		pid = record_pid(at->places->pid, at->big_endian, at->record->payload, at->record->size);
	if (!pid || !text_in(at, &places[WAKE_COMM], &bytes, &size))
		return true;
	for (uint32_t i = size; role == SCHED_EXEC && i--;) {
		if (bytes[i] == '/') {
			bytes += i + 1;
			size -= i + 1;
			break;
		}
	}
	number = task_of(sched, at->record->source, (int32_t)pid);
	if (number == NO_TASK)
		return false;
	settle(sched, &sched->tasks[number]);
	sched_set_name(&sched->tasks[number], bytes, size);
	return true;
}

/* --- the machine ----------------------------------------------------------------------------- */

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct sched *sched = (struct sched *)analysis;
	uint32_t of = analysis->sources[record->source].file;
	const struct analysis_file *file = &analysis->files[of];
	const struct sched_record at = { record, &sched->places[of], file->big_endian };
	uint8_t role = analysis_role(file, record);

	sched->now = record->key; /* which never steps back */
	switch (role) {
	case 0:
		return true;
	case SCHED_SWITCH:
		return put_switch(sched, &at);
	case SCHED_MIGRATE:
		return put_migration(sched, &at);
	case SCHED_RENAME:
	case SCHED_EXEC:
		return put_name(sched, &at, role);
	default:
		return put_wake(sched, &at, role);
	}
}

/* Of what is later than a file's last record nothing is known: other files of a session may go on. */
static bool end_records(struct sched *sched)
{
	for (uint32_t i = 0; i < sched->base.source_count; i++) {
		uint64_t last = sched->groups[sched->base.sources[i].group].last;
		const struct walk_gap gap = { .from = last, .to = UINT64_MAX, .has_from = true };

		sched->now = last;
		if (last < sched->base.end && !lose(&sched->base, i, &gap))
			return false;
	}
	return true;
}

static bool finish(struct trc_analysis *analysis)
{
	struct sched *sched = (struct sched *)analysis;
	uint64_t end = analysis->end;

	if (!end_records(sched))
		return false;
	sched->now = end;
	for (size_t i = 0; i < sched_task_count(sched); i++) {
		struct task *task = &sched->tasks[i];

		settle(sched, task);
		put_piece(sched, task, task->state, task->since, end);
	}
	for (uint32_t i = 0; i < analysis->source_count; i++) {
		const struct cpu_run *run = &sched->cpus[i];

		if (run->task >= IDLE_TASK)
			put_cpu_piece(sched, i, run->task == IDLE_TASK, run->since, end);
	}
	return !sched->answer->finish || sched->answer->finish(sched);
}

const struct analysis_machine sched_machine = { put, lose, finish, sched_deinit };
