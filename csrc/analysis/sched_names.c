/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "analysis/sched.h"
#include "metadata/metadata.h"
#include "records/data.h"

static const char *const state_names[] = {
	[TASK_UNKNOWN] = "unknown",	[TASK_RUNNING] = "running",   [TASK_RUNNABLE] = "runnable",
	[TASK_PREEMPTED] = "preempted", [TASK_SLEEPING] = "sleeping", [TASK_BLOCKED] = "blocked",
	[TASK_STOPPED] = "stopped",	[TASK_TRACED] = "traced",     [TASK_DEAD] = "dead",
	[TASK_ZOMBIE] = "zombie",	[TASK_PARKED] = "parked",     [TASK_IDLE] = "idle",
};

struct text sched_state_name(uint8_t state)
{
	return (struct text){ state_names[state], strlen(state_names[state]) };
}

struct text sched_name(const struct sched *sched, const struct task *task)
{
	const struct analysis_source *source = &sched->base.sources[task->source];
	const void *nul = memchr(task->comm, 0, COMM_SIZE);

	if (!task->has_comm)
		return saved_cmdlines_comm(&sched->base.files[source->file].data->metadata->cmdlines,
					   task->pid);
	return (struct text){ task->comm, nul ? (size_t)((const char *)nul - task->comm) : COMM_SIZE };
}

struct text sched_name_of(const struct sched *sched, uint32_t source, int32_t pid)
{
	const struct analysis_source *of = &sched->base.sources[source];
	uint64_t key = sched_task_key(of->group, pid);
	uint32_t number = key_map_find(&sched->map, &key);

	if (!pid)
		return TEXT("<idle>");
	if (number != KEY_NONE)
		return sched_name(sched, &sched->tasks[number]);
	return saved_cmdlines_comm(&sched->base.files[of->file].data->metadata->cmdlines, pid);
}

void sched_set_name(struct task *task, const uint8_t *bytes, size_t size)
{
	size = size < COMM_SIZE - 1 ? size : COMM_SIZE - 1;
	memset(task->comm, 0, COMM_SIZE);
	memcpy(task->comm, bytes, size);
	task->has_comm = true;
	task->name.batch = 0;
}
