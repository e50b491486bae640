/* SPDX-License-Identifier: MIT */
/* How many tasks each CPU had to run over time: the one that runs, and those that wait for it. */
#include <stdlib.h>

#include "analysis/sched.h"

enum { CPU, START, END, DURATION, COUNT, EXACT };

/* Of a source's CPU. What is counted may change several times at one instant; the last counts. */
struct queue {
	uint32_t count, shown_count;
	bool exact, shown_exact;
	uint64_t shown_since, changed;
	uint32_t next_exact; /* of its group, where exact; + 1, 0: none */
	uint32_t epoch;	     /* rises when it is empty: of tasks that were counted before none is on it */
};

/* Where a task is counted. */
struct place {
	uint32_t source; /* + 1; 0: nowhere */
	uint32_t epoch;
};

struct queues {
	struct queue *queues; /* [source_count] */
	struct place *places; /* [room] by number of the task */
	size_t room;
	struct key_map by_cpu; /* group and CPU; by number: */
	uint32_t *sources;     /* [source_count] */
	uint32_t *exact;       /* [group_count] the first that is, + 1; 0: none */
};

static bool fill(struct sched *sched, struct queues *queues)
{
	struct trc_analysis *base = &sched->base;

	queues->by_cpu.words = 1;
	queues->queues = calloc(base->source_count + 1, sizeof(*queues->queues));
	queues->sources = calloc(base->source_count + 1, sizeof(*queues->sources));
	queues->exact = calloc(base->group_count + (size_t)1, sizeof(*queues->exact));
	if (!queues->queues || !queues->sources || !queues->exact)
		return false;
	for (uint32_t i = 0; i < base->source_count; i++) {
		uint64_t key = (uint64_t)base->sources[i].group << 32 | base->sources[i].cpu;
		bool added;
		uint32_t number = key_map_add(&queues->by_cpu, base, &key, &added);

		if (number == KEY_NONE)
			return false;
		queues->sources[number] = i;
		queues->queues[i].shown_since = queues->queues[i].changed = base->start;
	}
	return true;
}

static bool init(struct sched *sched)
{
	static const struct analysis_column_spec columns[] = {
		[CPU] = { "cpu", COLUMN_U32, false },	       [START] = { "start", COLUMN_TIME, false },
		[END] = { "end", COLUMN_TIME, false },	       [DURATION] = { "duration", COLUMN_U64, false },
		[COUNT] = { "nr_running", COLUMN_U32, false }, [EXACT] = { "exact", COLUMN_BOOL, false },
	};

	sched->memory = calloc(1, sizeof(struct queues));
	return sched->memory && fill(sched, sched->memory) &&
	       analysis_add_columns(&sched->base, columns, countof(columns));
}

/* --- rows ------------------------------------------------------------------------------------ */

static void put_row(struct sched *sched, uint32_t source, uint64_t to)
{
	struct trc_analysis *base = &sched->base;
	const struct queue *queue = &((const struct queues *)sched->memory)->queues[source];

	if (queue->shown_since >= to || !analysis_wants_cpu(base, base->sources[source].cpu))
		return;
	row_u32(base, CPU, base->sources[source].cpu);
	row_u64(base, START, queue->shown_since);
	row_u64(base, END, to);
	row_u64(base, DURATION, to - queue->shown_since);
	row_u32(base, COUNT, queue->shown_count);
	row_bool(base, EXACT, queue->shown_exact);
	row_peer(base, source);
	row_end(base);
}

/* Before a queue changes: what it was at its last change becomes what is shown from there on. */
static void touch(struct sched *sched, uint32_t source, uint64_t now)
{
	struct queue *queue = &((struct queues *)sched->memory)->queues[source];

	if (now <= queue->changed)
		return;
	if (queue->count != queue->shown_count || queue->exact != queue->shown_exact) {
		put_row(sched, source, queue->changed);
		queue->shown_since = queue->changed;
		queue->shown_count = queue->count;
		queue->shown_exact = queue->exact;
	}
	queue->changed = now;
}

/* --- counting -------------------------------------------------------------------------------- */

static struct place *place_of(struct sched *sched, const struct task *task)
{
	struct queues *queues = sched->memory;
	size_t number = (size_t)(task - sched->tasks), room = sched->task_room;
	struct place *grown = NULL;

	if (number < queues->room)
		return &queues->places[number];
	if (analysis_spend(&sched->base, (room - queues->room) * sizeof(*grown)))
		grown = realloc(queues->places, room * sizeof(*grown));
	if (!grown) {
		sched->base.no_memory = true;
		return NULL;
	}
	for (size_t i = queues->room; i < room; i++)
		grown[i] = (struct place){ 0 };
	queues->places = grown;
	queues->room = room;
	return &queues->places[number];
}

static bool is_counted(uint8_t state)
{
	return state == TASK_RUNNING || state == TASK_RUNNABLE || state == TASK_PREEMPTED;
}

/* The source of the CPU that a task is on, + 1; 0: none is. */
static uint32_t source_of(struct sched *sched, const struct task *task)
{
	struct queues *queues = sched->memory;
	uint64_t key = (uint64_t)task->group << 32 | task->cpu;
	uint32_t number = key_map_find(&queues->by_cpu, &key);

	return number == KEY_NONE ? 0 : queues->sources[number] + 1;
}

static void change(struct sched *sched, const struct task *task, uint8_t state, uint32_t cpu)
{
	struct queues *queues = sched->memory;
	struct place *place = place_of(sched, task);
	uint32_t to = is_counted(task->state) && task->cpu != NO_CPU ? source_of(sched, task) : 0;

	(void)state;
	(void)cpu;
	if (!place)
		return;
	if (place->source && place->epoch == queues->queues[place->source - 1].epoch) {
		if (place->source == to)
			return;
		touch(sched, place->source - 1, sched->now);
		queues->queues[place->source - 1].count--;
	}
	place->source = to;
	if (to) {
		touch(sched, to - 1, sched->now);
		place->epoch = queues->queues[to - 1].epoch;
		queues->queues[to - 1].count++;
	}
}

/* A CPU that is idle has nothing on its queue; from then on all is counted. */
static void idle(struct sched *sched, uint32_t source)
{
	struct queues *queues = sched->memory;
	struct queue *queue = &queues->queues[source];
	uint32_t group = sched->base.sources[source].group;

	touch(sched, source, sched->now);
	queue->count = 0;
	queue->epoch++;
	if (queue->exact || sched->groups[group].gap_until > sched->now)
		return;
	queue->exact = true;
	queue->next_exact = queues->exact[group];
	queues->exact[group] = source + 1;
}

static void doubt(struct sched *sched, uint32_t group)
{
	struct queues *queues = sched->memory;

	while (queues->exact[group]) {
		uint32_t source = queues->exact[group] - 1;

		touch(sched, source, sched->now);
		queues->queues[source].exact = false;
		queues->exact[group] = queues->queues[source].next_exact;
	}
}

/* Of tasks that wait nothing is known, so those that run are all that is left. */
static void lose(struct sched *sched, uint32_t group)
{
	struct queue *queues = ((struct queues *)sched->memory)->queues;

	doubt(sched, group);
	for (uint32_t i = 0; i < sched->base.source_count; i++) {
		struct place *place;

		if (sched->base.sources[i].group != group)
			continue;
		touch(sched, i, sched->now);
		queues[i].epoch++;
		queues[i].count = 0;
		if (sched->cpus[i].task >= IDLE_TASK ||
		    !(place = place_of(sched, &sched->tasks[sched->cpus[i].task])))
			continue;
		*place = (struct place){ i + 1, queues[i].epoch };
		queues[i].count = 1;
	}
}

static bool finish(struct sched *sched)
{
	for (uint32_t i = 0; i < sched->base.source_count; i++) {
		touch(sched, i, UINT64_MAX);
		put_row(sched, i, sched->base.end);
	}
	return true;
}

static void deinit(struct sched *sched)
{
	struct queues *queues = sched->memory;

	if (!queues)
		return;
	free(queues->queues);
	free(queues->places);
	free(queues->sources);
	free(queues->exact);
	key_map_deinit(&queues->by_cpu);
}

const struct sched_answer nr_running_answer = {
	.init = init,
	.change = change,
	.idle = idle,
	.lose = lose,
	.doubt = doubt,
	.finish = finish,
	.deinit = deinit,
};
