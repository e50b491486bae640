/* SPDX-License-Identifier: MIT */
/* How long tasks ran on no CPU, and in what stack they had left theirs. */
#include <stdlib.h>

#include "analysis/call_paths.h"

bool off_cpu_init(struct calls *calls)
{
	struct call_paths *paths = calls->memory;

	paths->away_map.words = 2;
	paths->left = calloc(calls->base.source_count + 1, sizeof(*paths->left));
	for (size_t i = 0; paths->left && i < calls->base.source_count; i++)
		paths->left[i] = KEY_NONE;
	return paths->left != NULL;
}

static uint32_t away_of(struct calls *calls, uint32_t group, int32_t pid)
{
	struct call_paths *paths = calls->memory;
	bool added;
	uint32_t number = key_map_add(&paths->away_map, &calls->base,
				      (const uint64_t[]){ group, (uint64_t)pid }, &added);

	if (number == KEY_NONE || !grow_by_number(&calls->base, (void **)&paths->away, &paths->away_room,
						  number, sizeof(*paths->away)))
		return KEY_NONE;
	return number;
}

/* It runs again at a time; or, where that is not known, nobody saw when. */
static void come_back(struct calls *calls, uint32_t number, bool known, uint64_t now)
{
	const struct call_paths *paths = calls->memory;
	struct away *away = &paths->away[number];
	const uint64_t *key = key_map_key(&paths->away_map, number);
	struct path *path;

	if (!away->is_away)
		return;
	away->is_away = false;
	if (!calls_wants(calls, away->source, (int32_t)key[1]))
		return;
	path = &paths->list[away->path];
	if (!known || calls_lost_since(calls, (uint32_t)key[0], away->since) || now < away->since) {
		path->lost++;
		return;
	}
	path->weight += now - away->since;
	path->count++;
}

static bool leave(struct calls *calls, const struct walk_record *record, uint32_t group, int32_t pid)
{
	struct call_paths *paths = calls->memory;
	uint32_t number = away_of(calls, group, pid), path;

	if (number == KEY_NONE)
		return false;
	come_back(calls, number, false, 0);
	path = path_root(calls, record->source, pid);
	if (path != NO_PATH && !(calls->by & TRC_CALLS_BY_TASK))
		path = path_add(calls, record->source, path, PATH_TASK, (uint64_t)pid);
	paths->away[number] = (struct away){ record->ts, record->source, path, true };
	paths->left[record->source] = number;
	return path != NO_PATH;
}

static bool put_switch(struct calls *calls, const struct walk_record *record)
{
	uint32_t group = calls->base.sources[record->source].group, number;
	uint64_t prev, next;

	if (!calls_load(calls, record, SWITCH_PREV, &prev) || !calls_load(calls, record, SWITCH_NEXT, &next))
		return true;
	if ((int32_t)next) {
		number = away_of(calls, group, (int32_t)next);
		if (number == KEY_NONE)
			return false;
		come_back(calls, number, true, record->ts);
	}
	return !(int32_t)prev || leave(calls, record, group, (int32_t)prev);
}

/* The stack of a task that the record before made leave. */
static bool put_stack(struct calls *calls, const struct walk_record *record, uint32_t number)
{
	const struct call_paths *paths = calls->memory;
	int32_t pid = (int32_t)key_map_key(&paths->away_map, number)[1];
	struct away *away = &paths->away[number];
	uint32_t path;

	if (calls_pid(calls, record) != pid || !away->is_away || away->source != record->source)
		return true;
	path = path_root(calls, record->source, pid);
	if (path != NO_PATH)
		path = path_of_stack(calls, record, path);
	away->path = path;
	return path != NO_PATH;
}

bool off_cpu_put(struct calls *calls, const struct walk_record *record, uint8_t role)
{
	struct call_paths *paths = calls->memory;
	uint32_t number = paths->left[record->source];

	paths->left[record->source] = KEY_NONE;
	if (role == CALLS_SWITCH)
		return put_switch(calls, record);
	return role != CALLS_STACK || number == KEY_NONE || put_stack(calls, record, number);
}

/* Those that nobody saw come back. */
void off_cpu_finish(struct calls *calls)
{
	struct call_paths *paths = calls->memory;

	for (uint32_t i = 0; i < paths->away_map.count; i++)
		come_back(calls, i, false, 0);
}
