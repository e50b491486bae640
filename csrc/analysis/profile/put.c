/* SPDX-License-Identifier: MIT */
/* What each record changes. */
#include <string.h>

#include "analysis/profile/profile.h"
#include "base/error.h"

#define PORTION 512
#define STATES 1023   /* bits of prev_state that are a state */
#define STACK_LEAST 4 /* bytes */

/* A record at work; of its task only the number stays valid. */
struct put {
	const struct analysis_file *file;
	const struct profile_event *event;
	const struct walk_record *record;
	uint32_t number; /* of the event */
	uint32_t unit;
	int32_t pid;
	uint32_t task; /* that recorded it */
};

/* As libtraceevent reads a number: not signed, of such a size only. */
static bool read_place(const struct put *put, enum profile_place which, uint64_t *value)
{
	struct event_place place = put->event->places[which];

	if ((place.size != 1 && place.size != 2 && place.size != 4 && place.size != 8) ||
	    !place_fits(place, put->record->size))
		return false;
	*value = load_uint(put->record->payload + place.offset, place.size, put->file->big_endian);
	return true;
}

static uint64_t number_at(const struct put *put, enum profile_place which)
{
	uint64_t value;

	return read_place(put, which, &value) ? value : 0;
}

static void forget_last(struct profile_task *task)
{
	task->last_start = task->last_sum = NONE;
}

/* --- tasks ----------------------------------------------------------------------------------- */

static uint32_t task_of(struct trc_profile *profile, const struct put *put, int32_t pid)
{
	return profile_task_of(profile, put->unit, OWNER_TASK, pid);
}

/* The name that a task is met under first, until it is another program. */
static bool name_task(struct trc_profile *profile, const struct put *put, uint32_t task,
		      enum profile_place which)
{
	struct event_place place = put->event->places[which];
	const char *start = (const char *)put->record->payload + place.offset;
	size_t size = place.size;
	const char *nul;

	if (profile->tasks[task].comm != NONE || !size || place.offset > put->record->size)
		return true;
	size = size < put->record->size - place.offset ? size : put->record->size - place.offset;
	nul = memchr(start, 0, size);
	size = nul ? (size_t)(nul - start) : size;
	profile->tasks[task].comm = text_table_add(&profile->comms, &profile->base,
						   (struct text){ start, size });
	return profile->tasks[task].comm != NONE;
}

/* Whose pair it is: the CPU's, everyone's, or a task's. */
static uint32_t owner_of(struct trc_profile *profile, const struct put *put)
{
	uint32_t cpu = profile->base.sources[put->record->source].cpu;
	uint64_t pid;

	if (put->event->global && put->event->migrates)
		return profile_task_of(profile, put->unit, OWNER_GLOBAL, 0);
	if (put->event->global)
		return profile_task_of(profile, put->unit, OWNER_CPU, (int32_t)cpu);
	if (read_place(put, PLACE_PID, &pid))
		return task_of(profile, put, (int32_t)pid);
	return put->task;
}

/* --- pairs ----------------------------------------------------------------------------------- */

static bool end_pair(struct trc_profile *profile, const struct put *put, uint32_t *task)
{
	uint32_t sum;

	*task = owner_of(profile, put);
	if (*task == NONE || !profile_start_end(profile, *task, put->event->began_by,
						number_at(put, PLACE_END), put->record->ts, &sum))
		return false;
	profile->tasks[*task].last_start = NONE;
	profile->tasks[*task].last_sum = sum;
	return true;
}

static bool begin_pair(struct trc_profile *profile, const struct put *put, uint32_t *task)
{
	uint64_t key = number_at(put, PLACE_BEGIN);
	uint32_t start;

	*task = owner_of(profile, put);
	if (*task == NONE)
		return false;
	start = profile_start_add(profile, *task, put->number, put->record, key, key);
	profile->tasks[*task].last_start = start;
	profile->tasks[*task].last_sum = NONE;
	return start != NONE;
}

static bool count_event(struct trc_profile *profile, const struct put *put)
{
	uint64_t value = number_at(put, PLACE_VALUE);
	uint32_t sum = profile_sum_of(profile, put->task, put->number, value, value);

	if (sum == NONE)
		return false;
	profile->sums[sum].times.count++;
	profile->tasks[put->task].proxy = NONE;
	profile->tasks[put->task].last_start = NONE;
	profile->tasks[put->task].last_sum = sum;
	return true;
}

static bool put_plain(struct trc_profile *profile, const struct put *put)
{
	uint32_t task;

	if (put->event->began_by == NONE && put->event->ended_by == NONE)
		return count_event(profile, put);
	return (put->event->began_by == NONE || end_pair(profile, put, &task)) &&
	       (put->event->ended_by == NONE || begin_pair(profile, put, &task));
}

/* --- the scheduler --------------------------------------------------------------------------- */

/* A time that a task spent as event says ends; what next_pid waited for nobody knows. */
static bool end_wait(struct trc_profile *profile, const struct put *put, uint32_t task, uint32_t event,
		     uint64_t pid)
{
	uint32_t sum;

	return event == NONE || profile_start_end(profile, task, event, pid, put->record->ts, &sum);
}

static bool put_switch(struct trc_profile *profile, const struct put *put)
{
	uint64_t pid = number_at(put, PLACE_PID), next_pid = number_at(put, PLACE_BEGIN);
	uint64_t state = number_at(put, PLACE_VALUE) & STATES;
	uint32_t task = task_of(profile, put, (int32_t)pid), start;

	if (task == NONE || !name_task(profile, put, task, PLACE_COMM))
		return false;
	profile->tasks[task].sleeping = state != 0;
	start = profile_start_add(profile, task, put->number, put->record, pid, state);
	if (start == NONE)
		return false;
	profile->tasks[task].last_start = start;
	profile->tasks[task].last_sum = NONE;

	task = task_of(profile, put, (int32_t)next_pid);
	return task != NONE && name_task(profile, put, task, PLACE_NEXT_COMM) &&
	       end_wait(profile, put, task, put->event->began_by, next_pid) &&
	       end_wait(profile, put, task, put->number, next_pid);
}

static bool put_wakeup(struct trc_profile *profile, const struct put *put)
{
	uint64_t success, pid = number_at(put, PLACE_PID);
	uint32_t task, start;

	if (read_place(put, PLACE_VALUE, &success) && !success)
		return true;
	task = task_of(profile, put, (int32_t)pid);
	if (task == NONE || !name_task(profile, put, task, PLACE_COMM))
		return false;
	if (!profile->tasks[task].sleeping) {
		profile->tasks[put->task].proxy = NONE;
		forget_last(&profile->tasks[put->task]);
		return true;
	}
	profile->tasks[task].sleeping = false;
	profile->tasks[put->task].proxy = task; /* the stack is that of the waker, but tells of the woken */
	if (!end_wait(profile, put, task, put->event->began_by, pid))
		return false;
	start = profile_start_add(profile, task, put->number, put->record, pid, pid);
	profile->tasks[task].last_start = start;
	profile->tasks[task].last_sum = NONE;
	return start != NONE;
}

static bool put_exec(struct trc_profile *profile, const struct put *put)
{
	uint64_t pid;
	uint32_t task = read_place(put, PLACE_PID, &pid) ? task_of(profile, put, (int32_t)pid) : put->task;

	if (task != NONE)
		profile->tasks[task].comm = NONE;
	return task != NONE;
}

/* --- stacks and calls ------------------------------------------------------------------------ */

static bool put_stack(struct trc_profile *profile, const struct put *put)
{
	const struct walk_record *record = put->record;
	uint32_t offset = put->event->places[PLACE_VALUE].offset, own = put->task, task = own, stack, sum;

	profile->tasks[own].last_stack = NONE;
	if (offset > record->size || record->size - offset < STACK_LEAST)
		return true;
	stack = text_table_add(
		&profile->stacks, &profile->base,
		(struct text){ (const char *)record->payload + offset, record->size - offset });
	if (stack == NONE)
		return false;
	if (profile->tasks[own].proxy != NONE) {
		task = profile->tasks[own].proxy;
		profile->tasks[own].proxy = NONE;
	}
	sum = profile->tasks[task].last_sum;
	if (profile->tasks[task].last_start != NONE) {
		struct profile_start *start = &profile->starts[profile->tasks[task].last_start];

		start->stack = stack;
		start->stack_ts = record->ts;
	} else if (sum == NONE) { /* a call that it is of may follow */
		profile->tasks[own].last_stack = stack;
		profile->tasks[own].last_stack_ts = record->ts;
		profile->tasks[own].fresh_stack = true;
		return true;
	} else if (!profile_stack_add(profile, sum, stack, profile->sums[sum].last_time, record->ts)) {
		return false;
	}
	forget_last(&profile->tasks[task]);
	return true;
}

/* Stacks come before the calls that they are of. */
static bool put_call(struct trc_profile *profile, const struct put *put)
{
	struct profile_task *task;
	uint32_t number;

	if (!begin_pair(profile, put, &number))
		return false;
	task = &profile->tasks[number];
	if (task->last_stack != NONE) {
		profile->starts[task->last_start].stack = task->last_stack;
		profile->starts[task->last_start].stack_ts = task->last_stack_ts;
		task->last_stack = NONE;
	}
	task->last_start = NONE;
	return true;
}

static bool put_return(struct trc_profile *profile, const struct put *put)
{
	uint32_t task;

	if (!end_pair(profile, put, &task))
		return false;
	profile->tasks[task].last_sum = NONE;
	return true;
}

/* --- records --------------------------------------------------------------------------------- */

static bool put_by_role(struct trc_profile *profile, const struct put *put)
{
	switch (put->event->role) {
	case PROFILE_SWITCH:
		return put_switch(profile, put);
	case PROFILE_WAKEUP:
		return put_wakeup(profile, put);
	case PROFILE_EXEC:
		return put_exec(profile, put);
	case PROFILE_STACK:
		return put_stack(profile, put);
	case PROFILE_CALL:
		return put_call(profile, put);
	case PROFILE_RETURN:
		return put_return(profile, put);
	default:
		return put_plain(profile, put);
	}
}

bool profile_put(struct trc_profile *profile, const struct walk_record *record, int64_t missed)
{
	struct put put = {
		.file = analysis_file_of(&profile->base, record),
		.record = record,
		.unit = profile->base.sources[record->source].group,
	};
	struct profile_task *task;
	bool no_room, had_stack;

	if (TRC_UNLIKELY(missed))
		profile_forget(profile, record->source);
	put.number = profile_event_of(profile, record, &no_room);
	if (put.number == NONE)
		return !no_room;
	put.event = &profile->events[put.number];
	put.pid = record_pid(put.file->formats->common.pid, put.file->big_endian, record->payload,
			     record->size);
	put.task = task_of(profile, &put, put.pid);
	if (put.task == NONE)
		return false;
	task = &profile->tasks[put.task];
	had_stack = task->last_stack != NONE;
	task->fresh_stack = false;
	if (!put_by_role(profile, &put))
		return false;
	task = &profile->tasks[put.task];
	if (had_stack && !task->fresh_stack)
		task->last_stack = NONE;
	return true;
}

static int put_portion(struct trc_profile *profile, struct trc_walk *walk, const struct walk_record *records,
		       size_t count, struct trc_error *err)
{
	int64_t missed[PORTION];

	walk_missed(walk, records, count, missed);
	for (size_t i = 0; i < count; i++) {
		if (TRC_UNLIKELY(records[i].source >= profile->base.source_count))
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "profile: source %u of %zu",
					records[i].source, profile->base.source_count);
		if (TRC_UNLIKELY(!profile_put(profile, &records[i], missed[i])))
			return profile_fail(profile, err);
	}
	return TRC_OK;
}

int trc_profile_next(struct trc_profile *profile, struct trc_walk *walk, struct trc_error *err)
{
	int rc = walk_begin_stint(walk, err);

	while (!rc) {
		struct walk_record *records;
		size_t count;

		rc = walk_peek(walk, &records, &count, err);
		if (rc || !count)
			return rc;
		count = count < PORTION ? count : PORTION;
		rc = put_portion(profile, walk, records, count, err);
		walk_take(walk, count);
	}
	return rc;
}
