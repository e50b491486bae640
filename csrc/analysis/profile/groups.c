/* SPDX-License-Identifier: MIT */
/* --by-comm: the sums of tasks of one name become those of one group. */
#include "analysis/profile/profile.h"

/* What tells tasks apart is left out of the key: the pid that waking and switching go by. */
static uint64_t key_of(const struct trc_profile *profile, const struct profile_sum *sum)
{
	switch (profile->events[sum->event].role) {
	case PROFILE_WAKEUP:
		return 0;
	case PROFILE_SWITCH:
		return sum->value;
	default:
		return sum->key;
	}
}

static bool join_stacks(struct trc_profile *profile, uint32_t to, uint32_t from)
{
	uint32_t next;

	for (uint32_t i = profile->sums[from].first_stack; i != NONE; i = next) {
		uint32_t stack = profile->stack_sums[i].stack;
		struct profile_stack *joined = profile_stack_of(profile, to, stack);

		if (!joined)
			return false;
		profile_times_join(&joined->times, &profile->stack_sums[i].times);
		next = profile->stack_sums[i].next;
	}
	return true;
}

static bool join_sum(struct trc_profile *profile, uint32_t group, uint32_t from)
{
	uint32_t event = profile->sums[from].event;
	uint64_t key = key_of(profile, &profile->sums[from]);
	uint64_t value = profile->events[event].role == PROFILE_WAKEUP ? 0 : profile->sums[from].value;
	uint32_t to = profile_sum_of(profile, group, event, key, value);

	if (to == NONE)
		return false;
	profile_times_join(&profile->sums[to].times, &profile->sums[from].times);
	return join_stacks(profile, to, from);
}

/* Tasks whose name no record told stay by themselves. */
bool profile_group(struct trc_profile *profile)
{
	size_t count = profile->task_map.count; /* groups come behind them */

	for (uint32_t i = 0; i < count; i++) {
		uint32_t comm = profile->tasks[i].comm, group;

		if (profile->tasks[i].owner != OWNER_TASK || comm == NONE)
			continue;
		group = profile_task_of(profile, profile->tasks[i].unit, OWNER_GROUP, (int32_t)comm);
		if (group == NONE)
			return false;
		profile->tasks[group].comm = comm;
		profile->tasks[i].grouped = true;
		for (uint32_t sum = profile->tasks[i].first_sum; sum != NONE; sum = profile->sums[sum].next)
			if (!join_sum(profile, group, sum))
				return false;
	}
	return true;
}
