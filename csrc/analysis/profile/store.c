/* SPDX-License-Identifier: MIT */
/* Tasks, what they have begun, and sums: looked up, made, and taken out. */
#include <stdlib.h>
#include <string.h>

#include "analysis/profile/profile.h"

/* Room for number among what goes by numbers that rise one by one; short memory is noted. */
static bool make_room(struct trc_profile *profile, void *list, size_t *room, size_t number, size_t element)
{
	void *grown;

	memcpy(&grown, list, sizeof(grown));
	if (!grow_by_number(&profile->base, &grown, room, number, element))
		return false;
	memcpy(list, &grown, sizeof(grown));
	return true;
}

/* --- tasks ----------------------------------------------------------------------------------- */

static bool is_task(const struct profile_task *task, uint32_t unit, enum profile_owner owner, int32_t number)
{
	return task->number == number && task->unit == unit && task->owner == owner;
}

uint32_t profile_task_of(struct trc_profile *profile, uint32_t unit, enum profile_owner owner, int32_t number)
{
	const uint64_t key[2] = { (uint64_t)unit << 2 | owner, (uint32_t)number };
	uint32_t *cached =
		&profile->task_cache[((uint32_t)number ^ unit << 4) & ((1 << TASK_CACHE_LOG2) - 1)];
	uint32_t task;
	bool added;

	if (TRC_LIKELY(*cached && is_task(&profile->tasks[*cached - 1], unit, owner, number)))
		return *cached - 1;
	task = key_map_add(&profile->task_map, &profile->base, key, &added);
	if (task == NONE ||
	    !make_room(profile, &profile->tasks, &profile->task_room, task, sizeof(*profile->tasks)))
		return NONE;
	if (added)
		profile->tasks[task] = (struct profile_task){
			.unit = unit,
			.owner = (uint8_t)owner,
			.number = number,
			.comm = NONE,
			.proxy = NONE,
			.last_start = NONE,
			.last_sum = NONE,
			.last_stack = NONE,
			.first_sum = NONE,
		};
	*cached = task + 1;
	return task;
}

/* --- sums ------------------------------------------------------------------------------------ */

uint32_t profile_sum_of(struct trc_profile *profile, uint32_t task, uint32_t event, uint64_t key,
			uint64_t value)
{
	const uint64_t words[3] = { (uint64_t)task << 32 | event, key, value };
	bool added;
	uint32_t sum = key_map_add(&profile->sum_map, &profile->base, words, &added);

	if (sum == NONE ||
	    !make_room(profile, &profile->sums, &profile->sum_room, sum, sizeof(*profile->sums)))
		return NONE;
	if (added) {
		profile->sums[sum] = (struct profile_sum){
			.key = key,
			.value = value,
			.event = event,
			.first_stack = NONE,
			.next = profile->tasks[task].first_sum,
		};
		profile->tasks[task].first_sum = sum;
	}
	return sum;
}

static void add_time(struct profile_times *times, uint64_t time, uint64_t ts)
{
	times->count++;
	times->total += time;
	if (times->count == 1 || time < times->min) {
		times->min = time;
		times->min_ts = ts;
	}
	if (time > times->max) {
		times->max = time;
		times->max_ts = ts;
	}
}

void profile_times_join(struct profile_times *to, const struct profile_times *from)
{
	if (!to->count) {
		*to = *from;
		return;
	}
	to->count += from->count;
	to->total += from->total;
	if (to->max < from->max) {
		to->max = from->max;
		to->max_ts = from->max_ts;
	}
	if (to->min > from->min) {
		to->min = from->min;
		to->min_ts = from->min_ts;
	}
}

/* --- stacks ---------------------------------------------------------------------------------- */

struct profile_stack *profile_stack_of(struct trc_profile *profile, uint32_t sum, uint32_t stack)
{
	const uint64_t key = (uint64_t)sum << 32 | stack;
	bool added;
	uint32_t number = key_map_add(&profile->stack_map, &profile->base, &key, &added);

	if (number == NONE || !make_room(profile, &profile->stack_sums, &profile->stack_room, number,
					 sizeof(*profile->stack_sums)))
		return NULL;
	if (added) {
		profile->stack_sums[number] =
			(struct profile_stack){ .stack = stack, .next = profile->sums[sum].first_stack };
		profile->sums[sum].first_stack = number;
	}
	return &profile->stack_sums[number];
}

bool profile_stack_add(struct trc_profile *profile, uint32_t sum, uint32_t stack, uint64_t time, uint64_t ts)
{
	struct profile_stack *of = profile_stack_of(profile, sum, stack);

	if (of)
		add_time(&of->times, time, ts);
	return of != NULL;
}

/* --- what was begun ---------------------------------------------------------------------------- */

static uint32_t new_start(struct trc_profile *profile)
{
	uint32_t start = profile->free_start;

	if (start != NONE) {
		profile->free_start = profile->starts[start].older;
		return start;
	}
	if (profile->start_count >= NONE || !make_room(profile, &profile->starts, &profile->start_room,
						       profile->start_count, sizeof(*profile->starts)))
		return NONE;
	return (uint32_t)profile->start_count++;
}

static uint32_t open_of(struct trc_profile *profile, uint32_t task, uint32_t event, uint64_t key)
{
	const uint64_t words[2] = { (uint64_t)task << 32 | event, key };
	bool added;
	uint32_t open = key_map_add(&profile->open_map, &profile->base, words, &added);

	if (open == NONE ||
	    !make_room(profile, &profile->opens, &profile->open_room, open, sizeof(*profile->opens)))
		return NONE;
	if (added)
		profile->opens[open] = (struct profile_open){ NONE, NONE };
	return open;
}

/* Pairs that stay on their CPU go by its source, the others by their unit. */
static uint32_t list_of(const struct trc_profile *profile, uint32_t source, bool migrates)
{
	return migrates ? (uint32_t)profile->base.source_count + profile->base.sources[source].group : source;
}

static void link_start(struct trc_profile *profile, uint32_t number)
{
	struct profile_start *start = &profile->starts[number];
	uint32_t *newest = &profile->opens[start->open].newest, *first = &profile->lists[start->list];

	start->older = *newest;
	start->newer = NONE;
	if (*newest != NONE)
		profile->starts[*newest].newer = number;
	*newest = number;
	start->behind = *first;
	start->before = NONE;
	if (*first != NONE)
		profile->starts[*first].before = number;
	*first = number;
}

uint32_t profile_start_add(struct trc_profile *profile, uint32_t task, uint32_t event,
			   const struct walk_record *record, uint64_t key, uint64_t value)
{
	uint32_t open = open_of(profile, task, event, key);
	uint32_t number = open == NONE ? NONE : new_start(profile);

	if (number == NONE)
		return NONE;
	profile->starts[number] = (struct profile_start){
		.ts = record->ts,
		.key = key,
		.value = value,
		.event = event,
		.task = task,
		.open = open,
		.stack = NONE,
		.list = list_of(profile, record->source, profile->events[event].migrates),
	};
	link_start(profile, number);
	return number;
}

static void free_start(struct trc_profile *profile, uint32_t number)
{
	struct profile_start *start = &profile->starts[number];

	if (profile->tasks[start->task].last_start == number)
		profile->tasks[start->task].last_start = NONE;
	if (start->older != NONE)
		profile->starts[start->older].newer = start->newer;
	if (start->newer != NONE)
		profile->starts[start->newer].older = start->older;
	else
		profile->opens[start->open].newest = start->older;
	if (start->behind != NONE)
		profile->starts[start->behind].before = start->before;
	if (start->before != NONE)
		profile->starts[start->before].behind = start->behind;
	else
		profile->lists[start->list] = start->behind;
	start->older = profile->free_start;
	profile->free_start = number;
}

/* Only a switch has a value that is not its key. */
static uint32_t sum_of_start(struct trc_profile *profile, const struct profile_start *start)
{
	uint32_t *known = &profile->opens[start->open].sum;

	if (start->key != start->value)
		return profile_sum_of(profile, start->task, start->event, start->key, start->value);
	if (*known == NONE)
		*known = profile_sum_of(profile, start->task, start->event, start->key, start->value);
	return *known;
}

bool profile_start_end(struct trc_profile *profile, uint32_t task, uint32_t event, uint64_t key, uint64_t ts,
		       uint32_t *sum)
{
	const uint64_t words[2] = { (uint64_t)task << 32 | event, key };
	uint32_t open = key_map_find(&profile->open_map, words), number;
	const struct profile_start *start;
	uint64_t time;

	*sum = NONE;
	number = open == NONE ? NONE : profile->opens[open].newest;
	if (number == NONE)
		return true;
	start = &profile->starts[number];
	*sum = sum_of_start(profile, start);
	if (*sum == NONE)
		return false;
	time = (int64_t)(ts - start->ts) < 0 ? 0 : ts - start->ts;
	add_time(&profile->sums[*sum].times, time, ts);
	profile->sums[*sum].last_time = time;
	if (start->stack != NONE && !profile_stack_add(profile, *sum, start->stack, time, start->stack_ts))
		return false;
	free_start(profile, number);
	return true;
}

static void free_list(struct trc_profile *profile, uint32_t list)
{
	while (profile->lists[list] != NONE)
		free_start(profile, profile->lists[list]);
}

void profile_forget(struct trc_profile *profile, uint32_t source)
{
	free_list(profile, list_of(profile, source, false));
	free_list(profile, list_of(profile, source, true));
}
